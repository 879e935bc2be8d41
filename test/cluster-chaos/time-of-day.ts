/** For whoever looks into the logs: hours, minutes, seconds and milliseconds, as they are there (UTC). */
export function timeOfDay(): string {
  return new Date().toISOString().slice(11, 23);
}
