"""Counting decoder: clients that do all but decode, which on the machine that is measured would weigh as much as the server."""

from typing import Any

import aiortc.rtcrtpreceiver


class CountingDecoder:
    """Takes one client's encoded pictures in place of a decoder, and counts them."""

    def __init__(self) -> None:
        self.pictures = 0

    def decode(self, encoded_frame: Any) -> list[Any]:
        """Counts one picture and shows none."""
        del encoded_frame
        self.pictures += 1
        return []


def count_instead_of_decoding() -> list[CountingDecoder]:
    """From now on aiortc decodes nothing in this process; returns the list that takes one decoder for each client."""
    decoders: list[CountingDecoder] = []

    def new_decoder(codec: object) -> CountingDecoder:
        del codec
        decoders.append(CountingDecoder())
        return decoders[-1]

    # The receiver looks the function up where it was imported.
    vars(aiortc.rtcrtpreceiver)["get_decoder"] = new_decoder
    return decoders
