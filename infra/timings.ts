/**
 * The times both sides have to agree on, in seconds: what Container Apps is told in the app's
 * template, and what the gateway is told on its command line.
 */
export const timings = {
  /** Container Apps' ingress cuts a request that is silent for this long; it cannot be changed. */
  ingressIdle: 240,
  /**
   * How long the gateway waits for an answer to begin: less than `ingressIdle`, so that a caller
   * gets the gateway's words and not a cut connection.
   */
  answerBegins: 230,
  /** How long it waits between two chunks of an answer, for the same reason. */
  answerIdle: 230,
  /** Silence in a stream after which the caller gets a comment, which keeps the ingress from cutting. */
  streamKeepAlive: 60,
  /** From SIGTERM to SIGKILL. Container Apps allows 600 at most and takes 30 when it is not told. */
  terminationGrace: 300,
  /**
   * From SIGTERM until the gateway cuts the streams still running. Longer than `ingressIdle`, so a
   * request that was quiet when the signal came is never cut by us; shorter than
   * `terminationGrace`, so the gateway ends by itself.
   */
  drain: 285,
  /** How often the app is asked whether it is ready. Two missed answers take it out. */
  readinessPeriod: 5,
  livenessPeriod: 10,
  /** A container that has not started after ten of these is given up: ten is all Azure takes. */
  startupPeriod: 2,
  startupFailures: 10,
} as const;
