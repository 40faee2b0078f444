"""HFUT ensemble: the mean heart rate of both solutions."""

from rppgbench.core.method import ensemble

hfut_ensemble = ensemble(
    "HFUT ensemble",
    "W. Qian et al., Joint Spatial-Temporal Modeling and Contrastive Learning for Self-supervised "
    "Heart Rate Measurement, RePSS challenge at IJCAI 2024",
    "hfut_ensemble",
    ("st_transformer", "contrast_phys_plus"),
)
