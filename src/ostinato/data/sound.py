"""Sound as frames: the power in each frequency band, many times a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ostinato.data.columns import Array
from ostinato.errors import CorpusError

_SCALE = 2**15  # Kaldi takes samples as 16-bit numbers, and its floor, under which all is silence, is made for them


@dataclass(frozen=True)
class LogMel:
    """Logarithms of the power in mel bands, less their mean over the recording, so that loudness does not count.

    Attributes:
        bands: Number of bands.
        window: Milliseconds of sound in a frame.
        hop: Milliseconds from one frame to the next.
        highest: Upper end of the highest band in Hz, so that recordings of different rates give the same frames.

    Source: Davis and Mermelstein 1980 (mel bands); computed by kaldi-native-fbank, as Kaldi does.
    """

    bands: int = 40
    window: float = 25.0
    hop: float = 10.0
    highest: float = 4000.0

    def frames(self, samples: Array, rate: int) -> Array:
        """Return frames [T, bands] float32 of samples [N] from -1 to 1; ``rate`` is in Hz.

        Raises:
            CorpusError: The recording is shorter than one window, or of too low a rate.
        """
        import kaldi_native_fbank as kaldi

        if len(samples) < rate * self.window / 1000:
            raise CorpusError(
                f"a recording of {1000 * len(samples) / rate:.0f} ms is too short: a frame hears {self.window:g} ms"
            )
        if rate < 2 * self.highest:
            raise CorpusError(
                f"a recording of {rate} samples a second holds nothing above {rate / 2:g} Hz, and the highest "
                f"band ends at {self.highest:g} Hz: see the setting 'highest'"
            )
        if not np.isfinite(samples).all():
            raise CorpusError("a recording holds samples that are no finite numbers")
        options = kaldi.FbankOptions()
        options.frame_opts.samp_freq = rate
        options.frame_opts.frame_length_ms, options.frame_opts.frame_shift_ms = self.window, self.hop
        options.frame_opts.dither = 0.0  # noise, of which there shall be none
        options.frame_opts.snip_edges = False  # the last frame reaches to the end
        options.mel_opts.num_bins, options.mel_opts.high_freq = self.bands, self.highest
        try:
            machine = kaldi.OnlineFbank(options)
        except (ValueError, RuntimeError) as error:
            raise CorpusError(f"{self.bands} bands up to {self.highest:g} Hz are too many: {error}") from error
        machine.accept_waveform(rate, (samples * _SCALE).astype(np.float32))
        machine.input_finished()
        powers = np.stack([machine.get_frame(n) for n in range(machine.num_frames_ready)])
        level: Array = (powers - powers.mean()).astype(np.float32)
        return level

    def read(self, path: str) -> Array:
        """Return the frames of a sound file (WAV, FLAC, Ogg, MP3); several channels are mixed into one.

        Raises:
            CorpusError: It cannot be read.
        """
        import soundfile

        try:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise CorpusError(f"{path} cannot be read as sound: {error}") from error
        try:
            return self.frames(samples.mean(axis=1), rate)
        except CorpusError as error:
            raise CorpusError(f"{path}: {error}") from error
