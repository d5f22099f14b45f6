"""What a place in a slice is told besides its own curve: by other slices, by the whole slice."""

import torch
from torch import Tensor, nn
from torch.nn import functional

# What each slice as a whole is asked.
QUESTIONS = 4


class Neighbours(nn.Module):
    """What a slice's neighbours add to its features: they share its anatomy, not its noise.

    Parameters
    ----------
    channels
        In and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mixed = nn.Conv2d(2 * channels, channels, 1)
        # At first every slice is on its own.
        for start in self.mixed.parameters():
            nn.init.zeros_(start)

    def forward(self, features: Tensor, stack: int | None) -> Tensor:
        """(B, C, H, W), as they came in; nothing is added from beyond a stack's ends.

        Parameters
        ----------
        features
            (B, C, H, W), stacks of neighbouring slices one after another.
        stack
            Slices of one stack; None where all belong to one.
        """
        weight = torch.cat(self.mixed.weight.chunk(2, dim=1), dim=0)
        below, above = functional.conv2d(features, weight).chunk(2, dim=1)
        none = torch.zeros_like(features[:1])
        below, above = torch.cat([none, below[:-1]]), torch.cat([above[1:], none])
        if stack is not None:
            place = torch.arange(len(features), device=features.device)[:, None, None, None] % stack
            below, above = below * (place > 0), above * (place < stack - 1)
        bias = self.mixed.get_parameter("bias")
        together: Tensor = features + below + above + bias[:, None, None]
        return together


class Whole(nn.Module):
    """What a slice as a whole adds to the features of its every place.

    How tissue lets go of contrast is much the same all over a brain, but no curve tells it well:
    a few questions are put to all of them, and each place hears the answers.

    Parameters
    ----------
    channels
        In and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.looks = nn.Conv2d(channels, QUESTIONS, 1)
        self.told = nn.Linear(QUESTIONS * channels, channels)
        # At first nothing is told.
        for start in self.told.parameters():
            nn.init.zeros_(start)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W), as they came in.

        Parameters
        ----------
        features
            (B, C, H, W).
        """
        places = features.flatten(2)
        attention = self.looks(features).flatten(2).softmax(dim=2)
        answers = torch.matmul(attention, places.transpose(1, 2)).flatten(1)
        together: Tensor = features + self.told(answers)[:, :, None, None]
        return together
