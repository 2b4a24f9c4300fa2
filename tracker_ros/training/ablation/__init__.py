"""The ablations of the paper: variants of the attention, trained and scored alike."""
