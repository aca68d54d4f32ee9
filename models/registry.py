"""Every method by name. Adding one is one file and one line."""

from models.method import AnomalyMethod
from models.methods.ae import Autoencoder
from models.methods.aeu import UncertaintyAutoencoder
from models.methods.atlas import Atlas
from models.methods.dae import DenoisingAutoencoder
from models.methods.f_anogan import FAnoGan
from models.methods.knn import Knn
from models.methods.mean_intensity import MeanIntensity
from models.methods.pca import Pca
from models.methods.vae import VariationalAutoencoder

METHODS: dict[str, type[AnomalyMethod]] = {
    "ae": Autoencoder,
    "aeu": UncertaintyAutoencoder,
    "atlas": Atlas,
    "dae": DenoisingAutoencoder,
    "f_anogan": FAnoGan,
    "knn": Knn,
    "mean_intensity": MeanIntensity,
    "pca": Pca,
    "vae": VariationalAutoencoder,
}
