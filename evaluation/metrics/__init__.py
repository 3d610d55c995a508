"""The errors of matting papers, one pure function each, one file per family.

All take uint8 images and return plain numbers; ``evaluation.protocols`` says by what a table multiplies each. With a
trimap only the unknown region counts (``trimap == 128``), without one the whole image does. SAD, MSE, Grad and Conn
were proposed by Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting" (CVPR 2009); the
variants here are those of Xu et al., "Deep Image Matting" (CVPR 2017), which Lin et al. (CVPR 2021) report.
"""
from bgmatting.evaluation.metrics.alpha import mad, mse, mse_paddle2021, sad, sad_paddle2021
from bgmatting.evaluation.metrics.connectivity import conn
from bgmatting.evaluation.metrics.foreground import fg_mse, fg_mse_inside
from bgmatting.evaluation.metrics.gradient import grad
from bgmatting.evaluation.metrics.temporal import dtssd, messddt

__all__ = ["conn", "dtssd", "fg_mse", "fg_mse_inside", "grad", "mad", "messddt", "mse", "mse_paddle2021", "sad",
           "sad_paddle2021"]
