/** A Markdown table whose columns are aligned, as text is read, too. */
export function table(head: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const rows = [head, ...lines].map((cells) => cells.map((cell) => cell.replaceAll("|", "/")));
  const widths = head.map((_, at) => Math.max(3, ...rows.map((cells) => (cells[at] ?? "").length)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? "").padEnd(width)).join(" | ")} |`;
  const [first, ...others] = rows.map(line);
  return [first!, line(widths.map((width) => "-".repeat(width))), ...others];
}
