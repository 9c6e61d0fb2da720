"""Is this installation fit to run? One file a question, all asked by ``examine``."""
