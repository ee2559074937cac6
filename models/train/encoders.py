# SPDX-License-Identifier: LGPL-2.1-or-later
"""What video encoders make of a clip, by PyAV (pip install av): the decoded planes, each frame's type and the quantiser parameter (QP) that
its headers tell. QP is that of H.264 or HEVC; other codecs' quantiser steps are put on the same scale: 4 + 6 log2(step)."""
import io
import math
import re
from fractions import Fraction

import av
import av.logging
import numpy as np
from av.bitstream import BitStreamFilterContext
from PIL import Image

from planes import CODECS

ENCODER = dict(zip(CODECS, ["libx264", "libx265", "mpeg2video", "mpeg4", "mjpeg", "libvpx", "libvpx-vp9"]))
DECODER = dict(zip(CODECS, ["h264", "hevc", "mpeg2video", "mpeg4", "mjpeg", "vp8", "vp9"]))
RATE = 25
ELEMENT = re.compile(r"(init_qp_minus26|slice_qp_delta|quantiser_scale_code|base_q_?i(?:nde|d)x)\s.*= (-?\d+)\s*$")
# Steps of AC coefficients by index, at points between which they are nearly straight: RFC 6386 (14.1) and the VP9 specification (8.6.1).
VP8_STEPS = ([0, 54, 83, 102, 116, 127], [4, 58, 116, 173, 229, 284])
VP9_STEPS = (
    [0, 1, 95, 119, 128, 136, 144, 152, 160, 168, 176, 184, 192, 200, 255],
    [4, 8, 102, 150, 176, 200, 231, 265, 305, 353, 408, 474, 550, 639, 1828],
)


def of_step(step):
    return 4 + 6 * math.log2(step)


def traced(packets, decoder):
    """Name and value of the headers' elements that tell the quantiser, packet by packet."""
    trace = BitStreamFilterContext("trace_headers", decoder)
    av.logging.set_level(av.logging.INFO)
    try:
        for packet in packets:
            with av.logging.Capture() as lines:
                trace.filter(av.Packet(bytes(packet)))  # a copy, since it is emptied
            yield [(m[1], int(m[2])) for line in lines if (m := ELEMENT.search(line[2]))]
    finally:
        av.logging.set_level(None)


def mpeg4_quantiser(data):
    """Of a frame's header (ISO 14496-2, 6.2.5) whose time is counted in 1/RATE s."""
    start = data.find(b"\0\0\1\xb6") + 4
    bits = "".join(f"{byte:08b}" for byte in data[start : start + 12])
    predicted = bits[:2] != "00"
    place = bits.index("0", 2) + 2 + (RATE - 1).bit_length() + 2  # whole seconds, marker, time, marker, coded
    place += (bits[:2] == "01") + 3  # rounding, threshold
    return int(bits[place : place + 5], 2) if predicted or bits[:2] == "00" else 0


def jpeg_quantiser(data):
    """Mean step of luma's 15 lowest frequencies, in units that make it a step of orthonormal 4x4 coefficients."""
    table = np.reshape(Image.open(io.BytesIO(data)).quantization[0], (8, 8))
    y, x = np.mgrid[:8, :8]
    return table[x + y < 5].mean()


def quantisers(packets, codec):
    """QP of each packet."""
    if codec == "jpeg":
        return [of_step(jpeg_quantiser(bytes(p))) for p in packets]
    if codec == "mpeg4":
        return [of_step(2 * mpeg4_quantiser(bytes(p))) for p in packets]
    found, start = [], 26
    for elements in traced(packets, DECODER[codec]):
        start = next((26 + v for name, v in elements if name == "init_qp_minus26"), start)
        told = [v for name, v in elements if name != "init_qp_minus26"]
        value = sum(told) / len(told) if told else math.nan
        if codec in ("h264", "hevc"):
            found.append(start + value)
        elif codec == "mpeg2":
            found.append(of_step(2 * value))
        else:
            found.append(of_step(np.interp(value, *(VP8_STEPS if codec == "vp8" else VP9_STEPS)) / 8))
    return found


def anchors(values, kinds):
    """For every frame in decoding order the value of the last one that was no B-frame."""
    out = []
    for value, kind in zip(values, kinds):
        out.append(value if kind != "B" or not out else out[-1])
    return out


def planes_of(frame):
    planes = [np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width].copy() for p in frame.planes]
    return planes + [np.full_like(planes[0], 128)] * (3 - len(planes))


def encode(clip, codec, options):
    """clip: frames as planes of 4:2:0. Packets in the order of decoding."""
    height, width = clip[0][0].shape
    context = av.CodecContext.create(ENCODER[codec], "w")
    context.width, context.height = width, height
    context.pix_fmt = layout = "yuvj420p" if codec == "jpeg" else "yuv420p"
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.thread_count = 1
    context.options = options
    packets = []
    for number, planes in enumerate(clip):
        frame = av.VideoFrame.from_ndarray(np.concatenate([p.ravel() for p in planes]).reshape(-1, width), format=layout)
        frame.pts = number
        packets += context.encode(frame)
    return [p for p in packets + context.encode(None) if p.size]  # an encoder may end with an empty one


def decode(packets, codec):
    context = av.CodecContext.create(DECODER[codec], "r")
    context.thread_count = 1
    frames = [f for p in packets for f in context.decode(p)]
    return {f.pts: f for f in frames + context.decode(None)}


def coded(clip, codec, options):
    """Of each frame in the order of showing: decoded planes, type (I, P, B), its own QP, and the last QP of a frame that was no B-frame."""
    packets = encode(clip, codec, options)
    frames = decode(packets, codec)
    own = quantisers(packets, codec)
    kinds = ["IPB"[int(frames[p.pts].pict_type) - 1] for p in packets]
    rows = zip(packets, kinds, own, anchors(own, kinds))
    return [(planes_of(frames[p.pts]), *row) for p, *row in sorted(rows, key=lambda row: row[0].pts)]


def jpeg_files(clip, quality, subsampling):
    """Pictures (not planes) as JPEG files of libjpeg; the same list as coded() gives."""
    out = []
    for picture in clip:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=subsampling)
        frame, *_ = decode([av.Packet(file.getvalue())], "jpeg").values()
        qp = of_step(jpeg_quantiser(file.getvalue()))
        out.append((planes_of(frame), "I", qp, qp))
    return out
