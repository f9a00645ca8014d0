"""prototype"""
import os
import cv2, numpy as np
from studio.engines.parallax.scene import Floats
R=float(os.environ.get('R','0.1')); O=float(os.environ.get('O','0.0'))
def ramp(cover: Floats) -> Floats:
    """1 where cover, falling smoothly to 0"""
    out=(cover<0.02).astype(np.uint8)
    d=cv2.distanceTransform(out,cv2.DIST_L2,5)/ (R*max(cover.shape))
    x=np.clip(1-d,0,1)
    w=x*x*(3-2*x)
    return cv2.GaussianBlur(w,(0,0),3).astype(np.float32)
def behind(front: Floats, back: Floats, cover: Floats) -> Floats:
    w=ramp(cover)
    return (back+(front-back)*w*(1-O)).astype(np.float32)
