"""A plan's page as Markdown, and as an HTML page that needs nothing else."""

from __future__ import annotations

from html import escape

from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.sections import Section, sections_of, title_of

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; margin: 2rem auto;
       max-width: 52rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.05rem; margin: 1.2rem 0 .3rem; }
p { margin: .3rem 0; } li { margin: .1rem 0; }
table { border-collapse: collapse; margin: .4rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ccc; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
ul { font-size: .72rem; line-height: 1.3; color: #444; padding-left: 1rem;
     columns: 2; column-gap: 2.5rem; }
@media (max-width: 40rem) { ul { columns: 1; } }
@page { size: A4; margin: 10mm 12mm; }
@media print {
  body { margin: 0; max-width: none; font-size: 10.5px; line-height: 1.3; }
  h1 { font-size: 17px; } h2 { font-size: 12.5px; margin: .4rem 0 .1rem; }
  p { margin: .1rem 0; } table { margin: .15rem 0; }
  th, td { padding: .08rem .8rem .08rem 0; } ul { font-size: 8px; line-height: 1.15; columns: 2; }
}
"""


def plan_as_markdown(plan: DeploymentPlan) -> str:
    """Lay the plan out as Markdown."""
    lines = [f"# {title_of(plan)}", ""]
    for section in sections_of(plan):
        lines += [f"## {section.title}", ""]
        for sentence in section.text:
            lines += [sentence, ""]
        if section.head:
            lines.append("| " + " | ".join(section.head) + " |")
            columns = range(len(section.head))
            marks = ["---:" if _is_number(section, each) else "---" for each in columns]
            lines.append("| " + " | ".join(marks) + " |")
            lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in section.rows]
            lines.append("")
        if section.items:
            lines += [f"- {item}" for item in section.items]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def plan_as_html(plan: DeploymentPlan) -> str:
    """Lay the plan out as one HTML page, without scripts and without links to styles or fonts."""
    title = escape(title_of(plan))
    body = [f"<h1>{title}</h1>"]
    for section in sections_of(plan):
        body.append(f"<h2>{escape(section.title)}</h2>")
        body += [f"<p>{escape(sentence)}</p>" for sentence in section.text]
        if section.head:
            classes = [
                ' class="number"' if _is_number(section, column) else ""
                for column in range(len(section.head))
            ]
            head = "".join(
                f'<th scope="col"{mark}>{escape(text)}</th>'
                for mark, text in zip(classes, section.head, strict=True)
            )
            rows = "".join(
                "<tr>"
                + "".join(
                    f"<td{mark}>{escape(text)}</td>"
                    for mark, text in zip(classes, row, strict=True)
                )
                + "</tr>"
                for row in section.rows
            )
            body.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
        if section.items:
            body.append(
                "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in section.items) + "</ul>"
            )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _is_number(section: Section, column: int) -> bool:
    return section.head[column].startswith("USD") or section.head[column] == "share"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
