/**
 * What one call takes, in Unicode code points: a text to analyze, a user's prompt, and all documents
 * beside it together ("Input requirements" in learn.microsoft.com/azure/ai-services/content-safety/overview).
 */
export const maxPiece = 10_000;
const maxDocuments = 5;
/** What the end of a piece and the start of the next have in common, so that nothing hides between. */
const overlap = 200;

/** A text as pieces that one call takes each. */
export function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = ahead(text, start, maxPiece);
    pieces.push(text.slice(start, end));
    if (end === text.length) break;
    start = ahead(text, start, maxPiece - overlap);
  }
  return pieces;
}

/** Documents as groups that one call takes each. */
export function groupsOf(documents: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let room = 0;
  for (const piece of documents.flatMap(piecesOf)) {
    const length = codePoints(piece);
    const last = groups.at(-1);
    if (last === undefined || length > room || last.length === maxDocuments) {
      groups.push([piece]);
      room = maxPiece - length;
    } else {
      last.push(piece);
      room -= length;
    }
  }
  return groups;
}

/** The place so many code points further on, or the text's end. */
function ahead(text: string, start: number, count: number): number {
  if (text.length - start <= count) return text.length;
  let at = start;
  for (let passed = 0; passed < count && at < text.length; passed += 1) at += widthAt(text, at);
  return at;
}

export function codePoints(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += widthAt(text, at)) count += 1;
  return count;
}

/** In UTF-16 units. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
