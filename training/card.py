"""A bundle's card: its manifest as a page for people."""

from collections.abc import Sequence

from inference.manifest import Manifest, Metric
from inference.volume_score import in_words

_TEMPLATE = """# {name} {version}

{description}

**{intended_use}**

| | |
|---|---|
| method | `{method}` |
{members}{contrasts}| input | {channels} channel(s), {height} x {width} pixels after preprocessing |
{controls}| a volume's score | {volume_score} |
| for | {scope} |
| licence of the weights | {licence} |
| authors | {authors} |

## Trained on

{data_source}: {images} normal images of {patients} patients{labelled}. Licence: {data_licence}. {attribution}

{selection}Calibrated on {calibrated} held-out normal patients. A score is flagged above {thresholds}.

## What it cannot do

{limitations}

{smaller}## Measured

{metrics}

{examples}## References

{references}
"""


def write_card(manifest: Manifest, limitations: Sequence[str], report: str = "") -> str:
    """The card as Markdown; `report` is what an evaluation adds."""
    scope = (
        ", ".join((*manifest.scope.modalities, *manifest.scope.body_parts)) or "any modality and body part"
    )
    data = manifest.training_data
    return _TEMPLATE.format(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        intended_use=manifest.intended_use,
        method=manifest.method,
        members="".join(
            f"| fused from | {part.name}@{part.version}, a `{part.method}` of weight {part.weight:g} |\n"
            for part in manifest.members
        ),
        contrasts=f"| contrasts | {', '.join(manifest.contrasts)} |\n" if manifest.contrasts else "",
        channels=manifest.input.num_channels,
        height=manifest.input.spatial_shape[0],
        width=manifest.input.spatial_shape[1],
        controls="".join(
            f"| may be told | {name}, {default} if it is not |\n"
            for name, default in manifest.network_data_format.controls.items()
        ),
        volume_score=in_words(manifest.volume_score),
        scope=scope,
        licence=manifest.licence,
        authors=manifest.authors,
        data_source=data.data_source,
        images=data.images,
        patients=data.patients,
        labelled=f" and {data.labelled_anomalous} labelled anomalous images"
        if data.labelled_anomalous
        else "",
        data_licence=data.licence,
        attribution=data.attribution,
        selection=f"Which weights: {manifest.selection}\n\n" if manifest.selection else "",
        calibrated=len(manifest.calibration.scores),
        thresholds=_thresholds(manifest),
        limitations=_list(limitations) or "Not stated.",
        smaller=_smaller(manifest),
        metrics=report.strip() or "Not evaluated yet.",
        examples=_examples(manifest),
        references=_list(manifest.references) or "None.",
    )


def measured_part(card: str) -> str:
    """The report that a card holds, for the next version of it."""
    measured = card.partition("## Measured\n\n")[2].rpartition("\n\n## References")[0]
    return measured.partition("\n\n## Examples\n")[0]


def _examples(manifest: Manifest) -> str:
    """Pictures of test images, if there are any."""
    if not manifest.examples:
        return ""
    pictures = [
        f"![Example {number}]({example.file})\n\n{example.caption}"
        for number, example in enumerate(manifest.examples, 1)
    ]
    how = (
        "Test images of each class whose scores lie nearest to the 10th, 50th and 90th percentile of its "
        "own, with their heatmaps: chosen by that rule, not by eye."
    )
    return "\n\n".join(["## Examples", how, *pictures, ""])


def _smaller(manifest: Manifest) -> str:
    """The graphs in fewer bits as a table, if there is any."""
    if not manifest.smaller_graphs:
        return ""
    lines = [
        "## Smaller graphs",
        "",
        "Beside the whole graph, on the machine that made them; differences are on held-out normals.",
        "",
        "| graph | MB | ms an image | score off by | map off by | image AUROC | its change |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, graph in manifest.smaller_graphs.items():
        cells = (
            name,
            f"{graph.megabytes:.2f} of {graph.whole_megabytes:.2f}",
            f"{graph.graph_ms_per_image:.2f} beside {graph.whole_graph_ms_per_image:.2f}",
            f"{100 * graph.largest_score_difference:.2g} %",
            f"{100 * graph.largest_map_difference:.2g} %",
            _with_interval(graph.image_auroc, ".3f"),
            _with_interval(graph.image_auroc_change, "+.4f"),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", ""])


def _with_interval(figure: Metric | None, form: str) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return "not measured"
    return f"{figure.value:{form}} ({figure.low:{form}} to {figure.high:{form}})"


def _thresholds(manifest: Manifest) -> str:
    words = [
        f"{point.threshold:.4g} at {point.name} false alarms"
        if point.threshold is not None
        else f"(too few normals for {point.name})"
        for point in manifest.operating_points
    ]
    return ", ".join(words)


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"* {item}" for item in items)
