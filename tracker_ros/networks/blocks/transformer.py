"""Transformer layers of DASTSiam: post-normalised, no positional encoding. Rows are [B, N, C]."""

from torch import Tensor, nn


class FusionLayer(nn.Module):
    """Encoder layer in which the keys come from elsewhere (DASTSiam, eq. 2).

    ``forward``: rows [B, N, C], which are value and residual, and as many keys → [B, N, C]. The
    attention matrix pairs every query with every key; the value of key i is row i. The queries are
    the rows (as printed), or with ``keys_ask`` the keys (as released).
    """

    def __init__(self, channels: int, heads: int, ffn: int, dropout: float, keys_ask: bool = False):
        super().__init__()
        self.keys_ask = keys_ask
        self.attention = nn.MultiheadAttention(channels, heads, dropout, batch_first=True)
        self.ffn = nn.Sequential(
            nn.Linear(channels, ffn), nn.ReLU(), nn.Dropout(dropout), nn.Linear(ffn, channels)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: Tensor, keys: Tensor) -> Tensor:
        queries = keys if self.keys_ask else rows
        seen, _ = self.attention(queries, keys, rows, need_weights=False)
        rows = self.norms[0](rows + self.dropout(seen))
        return self.norms[1](rows + self.dropout(self.ffn(rows)))


class Encoder(nn.Module):
    """``config.layers`` times ``FusionLayer``, all with the same keys; see ``SiameseConfig``."""

    def __init__(self, config, keys_ask: bool = False):
        super().__init__()
        sizes = config.channels, config.heads, config.ffn, config.dropout
        self.layers = nn.ModuleList(FusionLayer(*sizes, keys_ask) for _ in range(config.layers))

    def forward(self, rows: Tensor, keys: Tensor) -> Tensor:
        for layer in self.layers:
            rows = layer(rows, keys)
        return rows


class Decoder(nn.Module):
    """``config.layers`` times self-attention of the rows, cross-attention to ``memory``, ffn."""

    def __init__(self, config):
        super().__init__()
        sizes = config.channels, config.heads, config.ffn, config.dropout
        self.layers = nn.ModuleList(
            nn.TransformerDecoderLayer(*sizes, batch_first=True) for _ in range(config.layers)
        )

    def forward(self, rows: Tensor, memory: Tensor) -> Tensor:
        for layer in self.layers:
            rows = layer(rows, memory)
        return rows
