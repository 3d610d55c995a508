"""Networks in other frameworks' terms, for export. PyTorch is optional (requirements-torch.txt)."""
