"""Head CTs in HU with bleeds that are exactly known, to train with and to measure by."""
