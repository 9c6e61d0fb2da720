"""The second reader: an MLLM whose word changes a scan's tier, never its result."""
