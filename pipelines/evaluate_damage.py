# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the element makes of streams that lost packets. Clips are encoded by ffmpeg and sent through an RTP loopback in gst-launch, where
packets are dropped: 2 % of them, one at least, and three bursts of four. What comes out is held against the run without a loss, frame by frame by its time: PSNR of
the frames that differ, as the decoder shows them (conceal=false) and with conceal=true. The restoration itself is as good as off, so that
it is not what is measured; frames before the first loss must be the same to the bit."""
import random
import re
import struct
import subprocess
import tempfile

import numpy as np

import evaluate_codecs as codecs

# Name: encoder with options, RTP's name, parser, decoder. Constant quantisers: a rate control would answer to the clips' starts.
KINDS = {
    "H.264": (["libx264", "-tune", "zerolatency", "-qp", "26"], "h264", "avdec_h264"),
    "H.264, slices of a packet": (["libx264", "-tune", "zerolatency", "-qp", "26", "-x264-params", "slice-max-size=1100"], "h264", "avdec_h264"),
    "HEVC": (["libx265", "-tune", "zerolatency", "-x265-params", "qp=28:keyint=24:log-level=none"], "h265", "avdec_h265"),
}
LOSSES = ("2 %", "bursts")
ELEMENT = "reddiff prior=dct steps=1 noise=0"


def packets(path, kind):
    """Of an MP4 file: each with the two bytes that say its length."""
    line = (f"filesrc location={path} ! qtdemux ! {kind}parse ! rtp{kind}pay mtu=1200 config-interval=-1 seqnum-offset=1 timestamp-offset=0 "
            f"ssrc=1 ! rtpstreampay ! filesink location={path}.rtp")
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True, capture_output=True)
    data = open(f"{path}.rtp", "rb").read()
    found, at = [], 0
    while at < len(data):
        size = 2 + struct.unpack_from(">H", data, at)[0]
        found.append(data[at:at + size])
        at += size
    return found


def without(all_packets, loss, seed):
    """The first twentieth arrives: a stream that starts with a loss has no past."""
    chance, safe = random.Random(seed), len(all_packets) // 20 + 8
    if loss == "2 %":
        lost = [i for i in range(safe, len(all_packets)) if chance.random() < 0.02] or [(safe + len(all_packets)) // 2]
        return [p for i, p in enumerate(all_packets) if i not in lost]
    third = max(8, (len(all_packets) - safe) // 3)
    starts = [chance.randrange(first, first + third // 2) for first in range(safe, len(all_packets), third)]
    return [p for i, p in enumerate(all_packets) if not any(start <= i < start + 4 for start in starts)]


def received(sent, folder, kind, decoder, shape, properties):
    """Frames by their times, RGB, and how many were concealed."""
    with open(f"{folder}/sent.rtp", "wb") as file:
        file.write(b"".join(sent))
    line = (f"filesrc location={folder}/sent.rtp ! application/x-rtp-stream,media=video,clock-rate=90000,encoding-name={kind.upper()} ! "
            f"rtpstreamdepay ! rtpjitterbuffer latency=0 mode=none ! rtp{kind}depay ! {kind}parse ! reddiffbitstream ! {decoder} max-threads=1 ! "
            f"{ELEMENT} {properties} post-messages=true ! videoconvert ! video/x-raw,format=RGB ! filesink location={folder}/rgb")
    text = subprocess.run(["gst-launch-1.0", "-m", *line.split()], check=True, capture_output=True, text=True).stdout
    times = [round(int(t) / 1e6) for t in re.findall(r"timestamp=\(guint64\)(\d+)", text)]
    concealed = re.findall(r"frames-concealed=\(guint64\)(\d+)", text)
    frames = np.fromfile(f"{folder}/rgb", np.uint8).reshape(-1, *shape)
    return dict(zip(times, frames)), int(concealed[-1])


def psnr(a, b):
    return 10 * np.log10(255**2 / max(1e-3, np.mean((a.astype(np.float64) - b) ** 2)))


def row(name, clip, folder, kind, decoder, loss, all_packets, properties):
    run = lambda sent, more: received(sent, folder, kind, decoder, clip.truth.shape[1:], f"{properties} {more}")
    whole, _ = run(all_packets, "conceal=true")
    sent = without(all_packets, loss, f"{clip.name} {name} {loss}")
    shown, _ = run(sent, "conceal=false")
    mended, concealed = run(sent, "conceal=true")
    there = sorted(set(whole) & set(shown) & set(mended))
    damaged = [t for t in there if not np.array_equal(shown[t], whole[t])]
    first = damaged[0] if damaged else there[-1]
    same = all(np.array_equal(mended[t], whole[t]) for t in there if t < first)
    values = [np.mean([psnr(frames[t], whole[t]) for t in damaged]) if damaged else np.nan for frames in (shown, mended)]
    return len(damaged), concealed, same, *values


def print_table(clips, properties):
    print("\n| damaged | stream | packets lost | frames that differ | concealed | before: same | decoder, dB | concealed, dB | gain |\n" + "|---" * 9 + "|")
    gains = {}
    for clip in clips:
        _, height, width, _ = clip.truth.shape
        for name, (encoder, kind, decoder) in KINDS.items():
            with tempfile.TemporaryDirectory() as folder:
                path = f"{folder}/clip.mp4"
                codecs.ffmpeg(["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-", "-y", "-g", "24", "-c:v",
                               *encoder, "-pix_fmt", "yuv420p", path], clip.truth.tobytes())
                all_packets = packets(path, kind)
                for loss in LOSSES:
                    differ, concealed, same, before, after = row(name, clip, folder, kind, decoder, loss, all_packets, codecs.as_text(properties))
                    print(f"| {clip.name} | {name} | {loss} | {differ} | {concealed} | {'yes' if same else 'NO'} | {before:.2f} | {after:.2f} | "
                          f"{after - before:+.2f} |", flush=True)
                    if differ:
                        gains.setdefault((name, loss), []).append((before, after))
    for (name, loss), values in gains.items():
        before, after = np.mean(values, 0)
        print(f"| mean of {len(values)} clips | {name} | {loss} | | | | {before:.2f} | {after:.2f} | {after - before:+.2f} |")
