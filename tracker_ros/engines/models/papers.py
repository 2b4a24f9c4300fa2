"""Figures that a paper or its reference code states, by preset and by key of ``info.describe``."""

PINNED: dict[str, dict[str, float | str]] = {
    # The reference code's, and arithmetic on its layers; 42 G with six memory frames.
    "stmtrack": {
        "map": "25x25",
        "parameters_by_part.memory_trunk": 8.97e6,
        "parameters_by_part.query_trunk": 8.97e6,
        "macs.frame": 42e9,
        "macs_by_part.locate.query_trunk": 13.94e9,
        "macs_by_part.locate.query_neck": 2.21e9,
        "macs_by_part.locate.reader": 2.4e9,
        "macs_by_part.locate.head": 7.37e9,
        "bytes_per_memorised_frame": 1.28e6,
    },
    # Sec. 4.1.2.
    "stif": {"map": "25x25", "frames_read": 4},
    # Table 4, counted without the products of attention.
    "ustam_b288": {"parameters.training": 97.2e6, "macs.layers": 43.6e9},
    "ustam_l384": {"parameters.training": 318.0e6, "macs.layers": 274.6e9},
    # The released code's, and its own count of parameters.
    "dastsiam": {"map": "25x25"},
    "dastsiam_released": {"map": "25x25", "parameters.training": 32.94e6},
    # SiamFC's table 1: the template's 6×6 cells of 256 channels.
    "siamfc": {"state.target": "1x256x6x6"},
    "siamfc_st": {"state.target": "1x256x6x6"},
}
