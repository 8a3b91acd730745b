/** What dependencies import and the gateway never runs. */
export type Absent = {
  /** As written where it is imported. */
  readonly import: RegExp;
  /** Who imports it; all do when undefined. */
  readonly by?: RegExp;
  /** The functions and classes expected of it; none for a module that is one itself. */
  readonly names: readonly string[];
};

const express = /[\\/]express[\\/]lib[\\/]/;
const msal = /[\\/]@azure[\\/]msal-node[\\/]dist[\\/]/;
const undici = /[\\/]undici[\\/]lib[\\/]/;

export const absent: readonly Absent[] = [
  // Express's ways to read bodies, to serve files, to negotiate, to set cookies and to parse nested
  // queries. Bodies and answers are the gateway's own business, or express-http-proxy's.
  { import: /^body-parser$/, by: express, names: ["json", "raw", "text", "urlencoded"] },
  { import: /^mime-types$/, by: express, names: ["contentType", "lookup"] },
  { import: /^qs$/, by: express, names: ["parse"] },
  { import: /^cookie$/, by: express, names: ["serialize"] },
  { import: /^cookie-signature$/, by: express, names: ["sign"] },
  {
    import:
      /^(?:accepts|content-disposition|etag|fresh|http-errors|range-parser|send|serve-static|type-is|vary)$/,
    by: express,
    names: [],
  },
  // Gathers a body, with 1 MB of tables for charsets below it. Bodies are streamed.
  { import: /^raw-body$/, by: /[\\/]express-http-proxy[\\/]/, names: [] },
  // Signs a client's assertion with its certificate; none of the credentials here has one.
  { import: /^jsonwebtoken$/, by: msal, names: ["sign"] },
  // Tokens for a person, by browser, device code or password, and on behalf of one.
  { import: /\/PublicClientApplication\.mjs$/, by: msal, names: ["PublicClientApplication"] },
  { import: /\/OnBehalfOfClient\.mjs$/, by: msal, names: ["OnBehalfOfClient"] },
  { import: /\/UsernamePasswordClient\.mjs$/, by: msal, names: ["UsernamePasswordClient"] },
  { import: /^open$/, by: /[\\/]@azure[\\/]identity[\\/]/, names: ["default"] },
  // HTTP/2 to backends is switched off.
  { import: /^\.\/client-h2\.js$/, by: undici, names: [] },
  // Bodies of fetch's kinds, a Blob or FormData. The gateway sends buffers and streams.
  { import: /^\.\.\/web\/fetch\/body\.js$/, by: undici, names: ["extractBody"] },
  { import: /^\.\.\/web\/fetch\/formdata$/, by: undici, names: [] },
  { import: /^\.\.\/web\/webidl$/, by: undici, names: [] },
  // Logs through worker threads; the gateway writes to its standard output.
  { import: /^\.\/(?:lib\/)?transport$/, by: /[\\/]pino[\\/]/, names: [] },
];

/** Names that dependencies ask for in passing, and what is put in their place. */
export const undefinedHere = {
  // To ask for it makes Node load its own fetch, 25 ms and 2 MB. Tokens are asked for without forms of
  // that kind.
  FormData: "undefined",
  // Defined, it makes undici leave out its experimental second parser, as in the copy that Node has.
  esbuildDetection: "true",
};
