# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of pipelines/paper: tables, plots, and in words which of the paper's claims hold on this prior."""
import base64
import html
import io
import os
import sys

import numpy as np

LEVEL = 0.05  # dB that count as reached


def mean_row(rows, milliseconds):
    """Of the same cell with several seeds."""
    psnr = np.array([row["psnr"] for row in rows])
    return {"psnr": float(psnr.mean()), "ssim": float(np.mean([row["ssim"] for row in rows])), "ms": milliseconds,
            "spread": float(psnr.mean(1).std()) if len(rows) > 1 else 0.0}


def best(by_steps):
    """(steps, row) of the highest PSNR."""
    return max(by_steps.items(), key=lambda item: item[1]["psnr"])


def reaches(by_steps, psnr):
    """The quickest (steps, row) that comes to that PSNR, or None."""
    there = [(n, row) for n, row in by_steps.items() if row["psnr"] >= psnr - LEVEL]
    return min(there, key=lambda item: item[1]["ms"]) if there else None


def table_of(by_solver):
    """Markdown: a row for each solver and number of steps."""
    lines = ["| solver | steps | PSNR, dB | SSIM | ms |", "|---|---|---|---|---|"]
    for solver, by_steps in by_solver.items():
        top = best(by_steps)[0]
        for steps, row in by_steps.items():
            bold = "**" if steps == top else ""
            lines.append(f"| {solver} | {steps} | {bold}{row['psnr']:.2f}{bold} | {row['ssim']:.3f} | {row['ms']:.0f} |")
    return lines


def against(table, one, other):
    """How long `one` takes to what `other` does best, task by task: (lines of Markdown, ratios of time; None where it never gets there)."""
    lines, ratios = [], {}
    for task, by_solver in table.items():
        if one not in by_solver or other not in by_solver:
            continue
        steps, row = best(by_solver[other])
        found = reaches(by_solver[one], row["psnr"])
        ratios[task] = found[1]["ms"] / row["ms"] if found else None
        if found:
            lines.append(f"- {task}: {other} {row['psnr']:.2f} dB with {steps} steps; {one} with {found[0]}, in {found[1]['ms'] / row['ms']:.2f} of the time.")
        else:
            lines.append(f"- {task}: {other} {row['psnr']:.2f} dB with {steps} steps; {one} not, {best(by_solver[one])[1]['psnr']:.2f} dB at best.")
    return lines, ratios


def verdict(ratios, share):
    holds = [task for task, ratio in ratios.items() if ratio is not None and ratio <= share]
    fails = [task for task in ratios if task not in holds]
    listed = lambda names: "; ".join(names) or "nowhere"
    return f"Holds on {len(holds)} of {len(ratios)} tasks ({listed(holds)})" + (f"; not on {listed(fails)}." if fails else ".")


CLAIMS = [
    ("RED-Diff with Adam reaches the best of DPS in a quarter of its time", "red-diff", "dps", 0.25),
    ("RED-Diff with Adam reaches the best of PiGDM in less time", "red-diff", "pigdm", 1),
    ("RED-Diff with Adam reaches the best of DDRM in less time", "red-diff", "ddrm", 1),
    ("RED-Diff with Adam reaches the best of DiffPIR in less time", "red-diff", "diffpir", 1),
    ("The exact step (hqs) reaches the best of RED-Diff with Adam in a fifth of its time", "hqs", "red-diff", 0.2),
    ("The exact step (hqs) reaches the best of DPS in a fifth of its time", "hqs", "dps", 0.2),
    ("The exact step (hqs) reaches the best of PiGDM in half of its time", "hqs", "pigdm", 0.5),
    ("The exact step (hqs) reaches the best of DDRM in half of its time", "hqs", "ddrm", 0.5),
    ("The exact step (hqs) reaches the best of DiffPIR in half of its time", "hqs", "diffpir", 0.5),
]


def overview(table, inputs):
    solvers = list(dict.fromkeys(s for by_solver in table.values() for s in by_solver))
    lines = ["| best PSNR, dB (steps) | input | " + " | ".join(solvers) + " |", "|---|---|" + "---|" * len(solvers)]
    for task, by_solver in table.items():
        top = max(best(by_steps)[1]["psnr"] for by_steps in by_solver.values())
        cells = []
        for solver in solvers:
            if solver not in by_solver:
                cells.append("-")
                continue
            steps, row = best(by_solver[solver])
            bold = "**" if row["psnr"] >= top - LEVEL else ""
            cells.append(f"{bold}{row['psnr']:.2f}{bold} ({steps})")
        lines.append(f"| {task} | {inputs[task]:.2f} | " + " | ".join(cells) + " |")
    return lines


def text_of(args, table, inputs, settings, more):
    """The page as lines of Markdown."""
    which = args.pictures or "scikit-image's astronaut, chelsea, coffee and rocket"
    lines = ["# RED-Diff and its rivals on one prior", "",
             f"`pipelines/paper`. Prior `{args.prior}`; {which}, reduced by two, the middle {args.size}x{args.size} pixels; seeds: {args.seeds}. Every solver's settings are the best of",
             "six for each task, on two other pictures. A step is one call of the prior; dps and pigdm also send a gradient back through it. Milliseconds are of one",
             "picture: the number of steps times those of a step, all measured in one go. PSNR favours means; samplers draw samples.", "", "## Best of each", "", *overview(table, inputs), "", "## Claims", ""]
    for claim, one, other, share in CLAIMS:
        found, ratios = against(table, one, other)
        if ratios:
            lines += [f"### {claim}", "", verdict(ratios, share), "", *found, ""]
    lines += (["## More", "", *more] if more else []) + ["## Every cell", ""]
    for task, by_solver in table.items():
        lines += [f"### {task}", "", *table_of(by_solver), "", "Settings: " + "; ".join(
            f"{s} " + (", ".join(f"{k}={v}" for k, v in settings[task][s].items())) for s in by_solver) + ".", ""]
    return lines


def plot(task, by_solver, against_time):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.6, 3.2))
    for solver, by_steps in by_solver.items():
        x = [row["ms"] / 1000 if against_time else steps for steps, row in by_steps.items()]
        axes.semilogx(x, [row["psnr"] for row in by_steps.values()], "o-", label=solver, markersize=4)
    axes.set_xlabel("seconds" if against_time else "calls of the prior")
    axes.set_ylabel("PSNR, dB")
    axes.set_title(task, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.tight_layout()
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110, format="png")
    pyplot.close(figure)
    return drawn.getvalue()


def to_html(lines, plots):
    """As much of Markdown as the page uses."""
    body, in_table = [], False
    bold = lambda text: "".join(f"<b>{part}</b>" if i % 2 else part for i, part in enumerate(html.escape(text).split("**")))
    for line in lines:
        if in_table and not line.startswith("|"):
            body.append("</table>")
            in_table = False
        if line.startswith("|---"):
            continue
        if line.startswith("|"):
            if not in_table:
                body.append("<table>")
                in_table = True
            body.append("<tr>" + "".join(f"<td>{bold(cell.strip())}</td>" for cell in line.strip("|").split("|")) + "</tr>")
        elif line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            title = line.lstrip("# ")
            body.append(f"<h{level}>{html.escape(title)}</h{level}>")
            for picture in plots.get(title, []):
                body.append(f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">')
        else:
            body.append(f"<p>{bold(line)}</p>" if line else "")
    style = "body{font:15px sans-serif;max-width:70em;margin:2em auto}td{border:1px solid #ccc;padding:2px 8px}table{border-collapse:collapse}p{margin:.3em 0}"
    return f'<!doctype html><meta charset="utf-8"><title>{html.escape(lines[0][2:])}</title><style>{style}</style>' + "\n".join(body) + "\n"


def write(args, table, inputs, settings, more):
    lines = text_of(args, table, inputs, settings, more)
    plots = {task: [plot(task, by_solver, True), plot(task, by_solver, False)] for task, by_solver in table.items()}
    with open(os.path.join(args.out, "page.html"), "w") as file:
        file.write(to_html(lines, plots))
    print("\n".join(lines))
    print(f"paper: {os.path.join(args.out, 'page.html')}", file=sys.stderr, flush=True)
