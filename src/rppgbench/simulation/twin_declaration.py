"""The declaration of a twin: pulse, light, noise, camera and codec of a data set."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from rppgbench.core.protocol import Declaration

MOST_PEOPLE = 10_000

Share = Annotated[float, Field(ge=0, le=1)]
LogSpread = Annotated[float, Field(ge=0, le=3)]
Channels = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=3, max_length=3)]


class TwinHeartRate(Declaration):
    """The distribution of heart rates: lognormal over people, normal within a person."""

    median_bpm: float = Field(gt=30, lt=200, description="median over people")
    people_log_sd: LogSpread = Field(description="standard deviation of the logarithm over people")
    recordings_sd_bpm: float = Field(ge=0, le=40, description="over the recordings of a person")
    slow_sd_bpm: float = Field(ge=0, le=20, description="within a recording, 0.008 to 0.04 Hz")
    fast_sd_bpm: float = Field(ge=0, le=20, description="within a recording, 0.04 to 0.1 Hz")
    source: str = Field(description="where the numbers come from")


class TwinColour(Declaration):
    """Colours as R, G, B."""

    level: Channels = Field(description="mean colour of the skin, 0 to 255")
    pulse: Channels = Field(description="relative strength of the pulse; green counts as 1")
    specular: Channels = Field(description="relative strength of specular reflection")
    noise: Channels = Field(description="relative strength of the noise; green counts as 1")
    source: str = Field(description="where the numbers come from")

    @model_validator(mode="after")
    def _check_green(self) -> Self:
        for key in ("pulse", "noise"):
            if getattr(self, key)[1] == 0:
                raise ValueError(f"{key}: green is 0, and the other channels are told by it")
        return self


class TwinStrength(Declaration):
    """Strengths as shares of the mean colour (root mean square)."""

    pulse: Share = Field(description="of the pulse in green, median over people")
    pulse_log_sd: LogSpread = Field(description="of its logarithm over people")
    light: Share = Field(description="of the change of light above 0.05 Hz, median over recordings")
    specular: float = Field(ge=0, le=10, description="of specular reflection, as a share of light")
    noise: Share = Field(description="of the noise of a frame in green, median over recordings")
    recordings_log_sd: LogSpread = Field(description="of light and noise over recordings")
    bursts_log_sd: LogSpread = Field(description="of light within a recording")
    source: str = Field(description="where the numbers come from, or what they were fitted to")


class TwinCodec(Declaration):
    """An encoder of FFmpeg with its settings."""

    name: str = Field(description="name of the encoder: libx264, mpeg4, mjpeg, ...")
    pixel_format: str = Field(default="yuv420p", description="its pixel format")
    options: dict[str, str] = Field(default={}, description="its options: crf, qmin, b, g, ...")


class TwinVideo(Declaration):
    """Camera, motion and codec of the videos of a twin, and how its changes lie on the face."""

    dataset: str = Field(description="the data set whose layout the videos have")
    width: int = Field(ge=64, le=4096, description="pixels")
    height: int = Field(ge=64, le=4096, description="pixels")
    face_height: float = Field(ge=0.1, le=0.9, description="hair to chin, as a share of the height")
    pixel_noise: float = Field(ge=0, le=20, description="noise of a pixel, in grey levels")
    sway: float = Field(ge=0, le=0.1, description="of the head, as a share of the face's height")
    light_spread: float = Field(
        ge=0, le=3, description="differences of light over the face, as a share of its mean"
    )
    noise_spread: float = Field(
        ge=0, le=3, description="differences of noise over the face, as a share of its mean"
    )
    noise_share: Share = Field(
        description="of the twin's noise; pixels, codec and the place of the region give the rest"
    )
    codec: TwinCodec | None = Field(
        default=None, description="none: the files that simulated sets of this layout have"
    )
    prediction: str = Field(
        description="how well the videos predicted published errors that nothing was fitted to"
    )
    source: str = Field(description="where the numbers come from")


class Twin(Declaration):
    """A twin of a data set; its name is that of its file, with the version."""

    title: str = Field(description="what it is a twin of")
    prediction: str = Field(
        description="how well it predicted published errors that it was not fitted to"
    )
    people: int = Field(ge=1, le=MOST_PEOPLE, description="how many people")
    recordings: int = Field(ge=1, le=1000, description="recordings of each person")
    seconds: float = Field(ge=10, le=3600, description="length of a recording")
    fs: float = Field(ge=10, le=240, description="frames a second")
    heart_rate: TwinHeartRate
    colour: TwinColour
    strength: TwinStrength
    video: TwinVideo | None = Field(
        default=None, description="how its videos are rendered; none: it has mean colours only"
    )
