"""Which bundles exist, and which one an image should go to."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from inference.bundle import MANIFEST, Bundle, load_bundle
from inference.errors import BundleNotFoundError
from inference.scope import departures_of_header


class Catalog:
    """The bundles found in some folders, each a folder of its own in one of them."""

    def __init__(self, bundles: Iterable[Bundle]) -> None:
        self._bundles = {bundle.reference: bundle for bundle in sorted(bundles, key=_by_version)}

    @classmethod
    def of_folders(cls, folders: Sequence[Path]) -> "Catalog":
        """Load every bundle below the folders, checking each file's sha256.

        Raises:
            BundleError: One of them is incomplete or altered; a catalog with holes would hide that.
        """
        # A hidden folder is an export that was cut off.
        found = [path.parent for folder in folders for path in sorted(folder.glob(f"[!.]*/{MANIFEST}"))]
        return cls(load_bundle(folder) for folder in found)

    def __iter__(self) -> Iterator[Bundle]:
        return iter(self._bundles.values())

    def __len__(self) -> int:
        return len(self._bundles)

    def get(self, reference: str) -> Bundle:
        """The bundle `name@version`, or the newest version of `name`.

        Raises:
            BundleNotFoundError: There is none.
        """
        if "@" in reference:
            found = [bundle for name, bundle in self._bundles.items() if name == reference]
        else:
            found = [bundle for bundle in self._bundles.values() if bundle.manifest.name == reference]
        if not found:
            known = ", ".join(self._bundles) or "none"
            raise BundleNotFoundError(f"no model {reference!r} is installed; installed: {known}")
        return found[-1]

    def choose(self, *, modality: str | None, body_part: str | None, contrasts: Sequence[str] = ()) -> Bundle:
        """The one bundle whose scope holds such an image; the first installed among several.

        Args:
            contrasts: Names of an image's contrasts, in any order and case, where it is several pictures.

        Raises:
            BundleNotFoundError: No scope holds it.
        """
        for newest in self._for_contrasts(contrasts):
            if not departures_of_header(newest.manifest.scope, modality=modality, body_part=body_part):
                return newest
        kind = " ".join(word for word in (modality, body_part) if word) or "no modality"
        known = ", ".join(self._bundles) or "none"
        raise BundleNotFoundError(
            f"no installed model is for such an image ({kind}); installed: {known}. Name one with model=NAME"
        )

    def find_by_contrasts(self, names: Sequence[str]) -> Bundle | None:
        """The first bundle for images of just these contrasts, in any order and case."""
        return next(self._for_contrasts(names), None)

    def _for_contrasts(self, names: Sequence[str]) -> Iterator[Bundle]:
        """The newest version of each bundle that takes these contrasts, or none."""
        asked = {name.casefold() for name in names}
        for bundle in self._bundles.values():
            newest = self.get(bundle.manifest.name)
            known = newest.manifest.contrasts if newest.manifest.has_contrasts else ()
            if {name.casefold() for name in known} == asked:
                yield newest


def _by_version(bundle: Bundle) -> tuple[str, tuple[int, ...]]:
    return bundle.manifest.name, tuple(int(part) for part in bundle.manifest.version.split("."))
