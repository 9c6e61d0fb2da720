"""The second reader: multimodal LLMs asked closed questions over pixels."""
