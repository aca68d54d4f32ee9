"""Every method by name. Adding one is one file and one line."""

from models.method import AnomalyMethod
from models.methods.atlas import Atlas
from models.methods.dae import DenoisingAutoencoder
from models.methods.f_anogan import FAnoGan

METHODS: dict[str, type[AnomalyMethod]] = {
    "atlas": Atlas,
    "dae": DenoisingAutoencoder,
    "f_anogan": FAnoGan,
}
