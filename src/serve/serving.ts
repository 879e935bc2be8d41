/** A server that listens. */
export interface Serving {
  readonly hostname: string;
  readonly port: number;
  /** Whether it is HTTPS that it speaks. */
  readonly secure: boolean;
  /** Stops listening and closes what is idle; calls under way are finished, or cut when the grace is over. */
  stop(): Promise<void>;
}
