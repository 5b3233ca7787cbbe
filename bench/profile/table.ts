/** A Markdown table whose columns are aligned, as text is read, too. */
export function table(head: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, at) =>
    Math.max(3, ...[head, ...lines].map((cells) => (cells[at] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...lines.map(line)];
}
