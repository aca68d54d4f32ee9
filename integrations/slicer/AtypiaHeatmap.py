"""3D Slicer module: score the volume that is shown, and lay its heatmap over it. Research use only."""

import tempfile
from pathlib import Path

import ctk
import qt
import slicer
from atypia_scoring import ScoringError, Service, summary
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget

OPACITY = 0.4
COLOURS = "vtkMRMLColorTableNodeFileViridis.txt"


class AtypiaHeatmap(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "Atypia heatmap"
        parent.categories = ["Quantification"]
        parent.contributors = ["Atypia"]
        parent.helpText = "Scores the volume that is shown with a running Atypia service. Research use only."


class AtypiaHeatmapWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        super().setup()
        form = qt.QFormLayout()
        box = ctk.ctkCollapsibleButton()
        box.text = "Research use only"
        box.setLayout(form)
        self.layout.addWidget(box)
        self.address = qt.QLineEdit("http://127.0.0.1:8000")
        self.key = qt.QLineEdit()
        self.key.setEchoMode(qt.QLineEdit.Password)
        self.model = qt.QLineEdit()
        self.button = qt.QPushButton("Score the volume that is shown")
        self.answer = qt.QLabel()
        for label, widget in (("Service", self.address), ("Key", self.key), ("Model", self.model)):
            form.addRow(label, widget)
        form.addRow(self.button)
        form.addRow(self.answer)
        self.button.connect("clicked()", self.score)
        self.layout.addStretch(1)

    def score(self):
        try:
            self.answer.text = overlay_heatmap(Service(self.address.text, self.key.text), self.model.text)
        except ScoringError as error:
            slicer.util.errorDisplay(str(error))


def overlay_heatmap(service, model):
    """Score the volume in the background layer and show its heatmap in the foreground; what it means."""
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    volume = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
    if volume is None:
        raise ScoringError("no volume is shown; load one, then try again")
    with tempfile.TemporaryDirectory() as folder:
        source, heatmap = Path(folder) / "volume.nii.gz", Path(folder) / "heatmap.nii.gz"
        if not slicer.util.exportNode(volume, str(source)):
            raise ScoringError("the volume cannot be written as NIfTI; is it a scalar volume?")
        result = service.score(source, heatmap, model=model)
        overlay = slicer.util.loadVolume(str(heatmap), {"name": f"{volume.GetName()} anomaly map"})
    overlay.GetDisplayNode().SetAndObserveColorNodeID(COLOURS)
    slicer.util.setSliceViewerLayers(background=volume, foreground=overlay, foregroundOpacity=OPACITY)
    return summary(result)
