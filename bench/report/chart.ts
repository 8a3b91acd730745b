import { rows } from "./ratios.ts";
import type { Results } from "./results.ts";

const width = 720;
const barHeight = 18;
const pitch = 26;
const left = 230;
const right = 60;
const top = 46;

/** Bars of throughput, the bare runtime's being 1; readable on light and on dark. */
export function chart(results: Results): string {
  const shown = rows(results)
    .filter(({ name, throughput }) => name !== "direct" && !Number.isNaN(throughput))
    .toSorted((a, b) => b.throughput - a.throughput);
  // What is written in C is a class of its own; its bar may end at the edge.
  const scale = (width - left - right) / 1.2;
  const bars = shown.map(({ title, name, throughput }, index) => {
    const y = top + index * pitch;
    const length = Math.max(1, Math.min(throughput, 1.2) * scale);
    const kind = name.startsWith("gateway") ? "ours" : name === "node-undici" ? "bare" : "peer";
    const beyond = throughput > 1.2 ? " >" : "";
    return [
      `<text x="${left - 10}" y="${y + 13}" text-anchor="end">${escaped(title)}</text>`,
      `<rect class="${kind}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
      `<text x="${(left + length + 8).toFixed(1)}" y="${y + 13}">${throughput.toFixed(2)}${beyond}</text>`,
    ].join("\n");
  });
  const height = top + shown.length * pitch + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Throughput at 64 connections">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.ours { fill: #0969da }
.bare { fill: #57606a }
.peer { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours { fill: #4493f8 }
  .bare { fill: #b1bac4 }
  .peer { fill: #6e7681 }
}
</style>
<text class="title" x="10" y="22">Throughput at 64 connections; node:http + undici doing the bare job = 1</text>
${bars.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
