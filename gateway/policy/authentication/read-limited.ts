/** The text of an answer. Reading stops, and fails, where it has more than `limit` bytes. */
export async function readLimited(answer: Response, limit: number): Promise<string> {
  if (answer.body === null) return "";
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of answer.body) {
    length += piece.length;
    if (length > limit) throw new Error(`the answer is larger than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
