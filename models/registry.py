"""Every method by name. Adding one is one file and one line."""

from models.method import AnomalyMethod
from models.methods.ae import Autoencoder
from models.methods.aeu import UncertaintyAutoencoder
from models.methods.anoddpm import AnoDdpm
from models.methods.anogan import AnoGan
from models.methods.asc_net import AscNet
from models.methods.atlas import Atlas
from models.methods.ce_vae import ContextVae
from models.methods.compact_ae import CompactAutoencoder
from models.methods.contrast_translation import ContrastTranslation
from models.methods.cutpaste import CutPaste
from models.methods.dae import DenoisingAutoencoder
from models.methods.deep_sad import DeepSad
from models.methods.deep_svdd import DeepSvdd
from models.methods.ensemble import ensemble_of
from models.methods.f_anogan import FAnoGan
from models.methods.fence_gan import FenceGan
from models.methods.gan_gp import GanGp
from models.methods.ganomaly import Ganomaly
from models.methods.gm_vae import GaussianMixtureVae
from models.methods.inpainting import Inpainting
from models.methods.knn import Knn
from models.methods.madgan import Madgan
from models.methods.mean_intensity import MeanIntensity
from models.methods.mem_ae import MemoryAutoencoder
from models.methods.memdae import MemDae
from models.methods.oc_svm import OneClassSvm
from models.methods.padim import Padim
from models.methods.patchcore import PatchCore
from models.methods.pca import Pca
from models.methods.perceptual_ae import PerceptualAutoencoder
from models.methods.pggan_inversion import PgganInversion
from models.methods.restoration_vae import RestorationVae
from models.methods.rlad import Rlad
from models.methods.symmetry_gan import SymmetryGan
from models.methods.synthetic_unet import SyntheticUNet
from models.methods.vae import VariationalAutoencoder

METHODS: dict[str, type[AnomalyMethod]] = {
    "ae": Autoencoder,
    "aeu": UncertaintyAutoencoder,
    "anoddpm": AnoDdpm,
    "anogan": AnoGan,
    "asc_net": AscNet,
    "atlas": Atlas,
    "ce_vae": ContextVae,
    "compact_ae": CompactAutoencoder,
    "contrast_translation": ContrastTranslation,
    "cutpaste": CutPaste,
    "dae": DenoisingAutoencoder,
    "deep_sad": DeepSad,
    "deep_svdd": DeepSvdd,
    "f_anogan": FAnoGan,
    "fence_gan": FenceGan,
    "gan_gp": GanGp,
    "ganomaly": Ganomaly,
    "gm_vae": GaussianMixtureVae,
    "inpainting": Inpainting,
    "knn": Knn,
    "madgan": Madgan,
    "mean_intensity": MeanIntensity,
    "mem_ae": MemoryAutoencoder,
    "memdae": MemDae,
    "oc_svm": OneClassSvm,
    "padim": Padim,
    "patchcore": PatchCore,
    "pca": Pca,
    "perceptual_ae": PerceptualAutoencoder,
    "pggan_inversion": PgganInversion,
    "restoration_vae": RestorationVae,
    "rlad": Rlad,
    "symmetry_gan": SymmetryGan,
    "synthetic_unet": SyntheticUNet,
    "vae": VariationalAutoencoder,
}
METHODS["ensemble"] = ensemble_of(METHODS)
