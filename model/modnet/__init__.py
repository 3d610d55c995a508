"""MODNet: alpha from one photo of a person, without a photo of the background."""
# What PaddleSeg multiplies the losses' terms with. MODNet's authors' trainer has 10 for "semantic", too, and no
# "fusion_con_sem". It stands here since asking for it needs no paddle, as ``model.modnet.losses`` does.
WEIGHTS = {"semantic": 1, "detail": 10, "fusion_l1": 1, "fusion_comp": 1, "fusion_con_sem": 1}
