/** The forms of a result that one can take home, in words for people who know none of them. */

export interface Form {
  /** As the service names it. */
  file: string;
  title: string;
  what: string;
}

interface Offer extends Form {
  /** The link of the result without which the form is not there; "" for always. */
  link: string;
}

const OFFERS: readonly Offer[] = [
  { file: "result.zip", title: "Everything", what: "all of these in one zip file", link: "archive" },
  {
    file: "overlay.png",
    title: "Heatmap",
    what: "the highest slice with the heatmap over it, as a picture",
    link: "overlay",
  },
  {
    file: "anomaly_map.nii.gz",
    title: "Anomaly map",
    what: "raw value of every voxel, NIfTI on the image's own grid",
    link: "anomaly_map",
  },
  {
    file: "sc.dcm",
    title: "Heatmap for the archive",
    what: "DICOM secondary capture that every station shows",
    link: "picture",
  },
  {
    file: "sr.dcm",
    title: "Report for the archive",
    what: "DICOM structured report with score and findings",
    link: "report",
  },
  {
    file: "seg.dcm",
    title: "Findings as regions",
    what: "DICOM segmentation of what is above the map's threshold",
    link: "segmentation",
  },
  {
    file: "pm.dcm",
    title: "Anomaly map for the archive",
    what: "DICOM parametric map with the raw values",
    link: "parametric_map",
  },
  { file: "result.json", title: "Result", what: "every number of this page, for programs (JSON)", link: "" },
  {
    file: "fhir.json",
    title: "Report for record systems",
    what: "FHIR diagnostic report with its observations",
    link: "fhir",
  },
  {
    file: "deidentification.json",
    title: "De-identification report",
    what: "which elements of the upload were changed before it was kept",
    link: "picture",
  },
];

export function formsOf(links: Readonly<Record<string, string>>): Form[] {
  return OFFERS.filter(({ link }) => link === "" || link in links);
}

/** Under which name a form is saved: results of several jobs may lie in one folder. */
export const fileName = (jobId: string, file: string): string => `atypia-${jobId.slice(0, 8)}-${file}`;
