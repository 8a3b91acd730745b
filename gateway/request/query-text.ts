/** Text of a query as servers read it; what is no encoding stays as it is. */
export function queryText(written: string): string {
  const spaced = written.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
