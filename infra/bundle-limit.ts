/**
 * Largest gateway bundle that is sent to Azure as a secret of a container app, in bytes. Azure
 * publishes no limit; Kubernetes beneath it holds 1 MiB, and the configuration travels alongside.
 */
export const bundleLimit = 700_000;
