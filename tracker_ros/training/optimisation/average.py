"""Averaged weights, which are the ones that are validated and that ship."""

import torch


class Average:
    """Exponential moving average of weights and batch statistics, with a warm start."""

    def __init__(self, model: torch.nn.Module, decay: float):
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: torch.nn.Module, step: int) -> None:
        """Take in the weights after ``step``, from 1."""
        decay = min(self.decay, step / (step + 10))
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The averaged weights."""
        return self.state

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from another average of the same model. Raises KeyError, RuntimeError."""
        for name, value in self.state.items():
            if state[name].shape != value.shape:
                shapes = list(state[name].shape), list(value.shape)
                raise RuntimeError(f"the average of {name} has shape {shapes[0]}, not {shapes[1]}")
            value.copy_(state[name])
