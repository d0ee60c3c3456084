"""The one training loop: optimiser, average, learning rate, progress, and a state to resume."""

import copy
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor, nn

REPORT_EVERY = 50


def device() -> torch.device:
    """Where to train: CUDA if there is any, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half() -> AbstractContextManager:
    """Compute in bfloat16 where that is exact enough."""
    return torch.autocast(device().type, torch.bfloat16)


class Optimizer:
    """Muon for the hidden matrices (Jordan et al. 2024), AdamW for the rest, one learning rate.

    Convolution kernels are orthogonalised as (out, in * height * width) matrices, through views
    that share their memory. `first_and_last` name the weights at the edges, which are AdamW's too.
    """

    def __init__(self, model: nn.Module, first_and_last: tuple[str, ...] = ()) -> None:
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        hidden = [
            p
            for n, p in named
            if p.ndim >= 2 and "embedding" not in n and not n.startswith(first_and_last)
        ]
        ids = {id(p) for p in hidden}
        self._views = [(p, nn.Parameter(p.detach().view(p.shape[0], -1))) for p in hidden]
        rest = [p for _, p in named if id(p) not in ids]
        self._optimizers: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW(rest, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        }
        if hidden:
            self._optimizers["muon"] = torch.optim.Muon(
                [v for _, v in self._views], weight_decay=0.02, adjust_lr_fn="match_rms_adamw"
            )
        self._parameters = [p for _, p in named]

    def step(self, learning_rate: float, clip: float = 1.0) -> None:
        """One update from the gradients, which are then cleared."""
        nn.utils.clip_grad_norm_(self._parameters, clip)
        for parameter, view in self._views:
            view.grad = parameter.grad.reshape(view.shape)
        for optimizer in self._optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
        for _, view in self._views:
            view.grad = None
        for parameter in self._parameters:
            parameter.grad = None

    def state_dict(self) -> dict:
        return {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()}

    def load_state_dict(self, state: dict) -> None:
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state[name])


class Average:
    """Exponential moving average of a model's weights, short at first and `decay` in the end."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        keep = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - keep)


def learning_rate(
    step: int, steps: int, peak: float, warmup: int = 50, decay: float = 0.4
) -> float:
    """Linear warm-up, constant `peak`, then linear to zero over the last `decay` of `steps`."""
    return peak * min(1.0, (step + 1) / warmup, max(steps - step, 0) / (decay * steps))


class Training:
    """A resumable run over one file: a model, its average, its optimiser, steps and seconds done.

    for step in run.until(steps):
        run.learn(loss of that step)

    The state is written every `save_every` seconds and at the end. A run may be resumed with
    another number of steps: the learning rate falls over the last 40 % of whatever is planned.
    """

    def __init__(
        self,
        path: Path,
        model: nn.Module,
        first_and_last: tuple[str, ...] = (),
        peak: float = 2e-3,
        average: float = 0.995,
        save_every: float = 180.0,
    ) -> None:
        self.path, self.peak, self._save_every = path, peak, save_every
        self.model = model.to(device())
        self.average = Average(self.model, average)
        self._optimizer = Optimizer(self.model, first_and_last)
        self._step, self._steps, self._seconds = 0, 0, 0.0
        self._losses: list[Tensor] = []
        if path.exists():
            state = load_state(path)
            self.model.load_state_dict(state["model"])
            self.average.model.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._step, self._seconds = state["step"], state["seconds"]

    def until(self, steps: int) -> Iterator[int]:
        """The steps that are left of `steps`; progress is printed and saved on the way."""
        self._steps = steps
        reported = saved = time.time()
        while self._step < steps:
            yield self._step
            self._step += 1
            now, last = time.time(), self._step == steps
            if self._step % REPORT_EVERY == 0 or last:
                self._seconds += now - reported
                self._report((now - reported) / len(self._losses))
                reported = now
            if now - saved > self._save_every or last:
                self._save()
                saved = now

    def learn(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`."""
        loss.backward()
        self._optimizer.step(learning_rate(self._step, self._steps, self.peak))
        self.average.update(self.model, self._step)
        self._losses.append(loss.detach())

    def _report(self, pace: float) -> None:
        loss = torch.stack(self._losses).mean().item()
        self._losses.clear()
        left = pace * (self._steps - self._step)
        print(
            f"{self.path.stem}: step {self._step} of {self._steps}, loss {loss:.4f}, "
            f"{pace:.2f} s a step, {left / 3600:.1f} h left",
            flush=True,
        )

    def _save(self) -> None:
        """Write the state so that an interruption leaves the older file whole."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "seconds": self._seconds,
        }
        part = self.path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.path)


def load_state(path: Path) -> dict:
    """What a `Training` left at `path`, on the device."""
    return torch.load(path, weights_only=True, map_location=device())
