"""Which files of an upload are which contrast: each comes in a form field of the contrast's name."""

from collections.abc import Sequence

from inference.manifest import Manifest
from service.errors import WrongContrastsError


def parts_by_contrast(names: Sequence[str], manifest: Manifest) -> dict[str, list[int]]:
    """The places of each contrast's files, in the manifest's order; empty for a model of single pictures.

    Args:
        names: The form field of each file; case does not matter.

    Raises:
        WrongContrastsError: A contrast is missing, or a file is of none.
    """
    if not manifest.has_contrasts:
        return {}
    known = {name.casefold(): name for name in manifest.contrasts}
    found: dict[str, list[int]] = {name: [] for name in manifest.contrasts}
    remedy = f"send each file in a form field of its contrast's name: {', '.join(manifest.contrasts)}"
    for place, name in enumerate(names):
        if name.casefold() not in known:
            raise WrongContrastsError(
                f"{manifest.name} takes {len(known)} contrasts, and the form field {name!r:.50} is none of "
                f"them; {remedy}"
            )
        found[known[name.casefold()]].append(place)
    if missing := [name for name, places in found.items() if not places]:
        raise WrongContrastsError(f"{manifest.name} also takes {', '.join(missing)}; {remedy}")
    return found
