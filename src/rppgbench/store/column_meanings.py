"""What the columns of the Parquet files in a results folder mean, for their documentation."""

from collections.abc import Mapping

ESTIMATE_COLUMNS: Mapping[str, str] = {
    "job": "digest of everything that can change the estimate; it names the planned estimate",
    "dataset": "name of the data set",
    "recording": "name of the recording, unique in its data set",
    "subject": "the person, unique in the data set",
    "scenario": "what the data set calls the task or light; may be empty",
    "method": "name of the method, with the values of a variant",
    "fold": "fold of the split whose test side holds the recording",
    "condition": "change of the frames, `none` for the videos as they are",
    "region": "face region whose pixels were averaged; empty for a method with its own input",
    "reason": "why there is no waveform; empty where there is one",
    "seed": "seed of the training; 0 for a method that does not learn",
    "coverage": "share of the recording's duration that the waveform covers, 0 to 1",
    "seconds": "seconds that the method took for the estimate",
    "samples": "the waveform, as the method gave it: no filter of an evaluator is applied; null "
    "without one",
    "fs": "samples per second of the waveform",
    "start_s": "time of the first sample on the clock of the video, in seconds",
    "heart_rate": "heart rates in bpm of an estimate without a waveform; else null",
    "heart_rate_times_s": "times of these heart rates on the clock of the video, in seconds",
    "confidence": "confidence of the method in its estimate, 0 to 1 by its own definition; null "
    "where it gives none",
    "confidence_times_s": "times of these values on the clock of the video, in seconds",
}

RECORDING_COLUMNS: Mapping[str, str] = {
    "dataset": "name of the data set",
    "recording": "name of the recording, unique in its data set",
    "subject": "the person, unique in the data set",
    "scenario": "what the data set calls the task or light; may be empty",
    "source": "path of the video or trace, below the root of the data set",
    "skin_tone": "as the data set states it; may be empty",
    "light": "as the data set states it; may be empty",
    "condition": "change of the frames, `none` for the videos as they are",
    "reason": "why nothing of the recording could be used; else empty",
    "simulated": "whether a program made the recording",
    "facts": "metadata of video and labels as JSON",
    "warnings": "what the checks of video and labels warn of, a text each",
    "pulse": "samples of the contact sensor's pulse; null without one",
    "pulse_times_s": "times of these samples on the clock of the video, in seconds",
    "heart_rate": "heart rates of the device in bpm; null without any",
    "heart_rate_times_s": "times of these heart rates on the clock of the video, in seconds",
    "beats_s": "times of beats that the device marked, in seconds; null without any",
    "respiration": "samples of the sensor's respiration; null without one",
    "respiration_times_s": "times of these samples on the clock of the video, in seconds",
    "respiration_rate": "breaths a minute of the device; null without any",
    "respiration_rate_times_s": "times of these rates on the clock of the video, in seconds",
    "oxygen_saturation": "SpO2 of the device in percent; null without any",
    "oxygen_saturation_times_s": "times of these readings on the clock of the video, in seconds",
    "colour_region": "face region of the mean colours; null without them",
    "colours": "mean red, green and blue of each frame as 32-bit floats, all segments after each "
    "other; null without them and under a change of the frames",
    "colour_segments": "start in seconds, frames per second and number of frames of each segment",
}
