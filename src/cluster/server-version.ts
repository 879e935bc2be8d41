/** The oldest release of nats-server with which compare-and-set among several servers was found to hold, and is kept to. */
export const leastVersion = "2.12";

/** Whether a server may tell several writers that each was the first: 2.9.10 does in half of all races. */
export function hasKnownRaces(version: string): boolean {
  const [leastMajor = 0, leastMinor = 0] = leastVersion.split(".").map(Number);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}
