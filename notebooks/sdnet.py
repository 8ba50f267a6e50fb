# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where things are, and how they look
#
# A heart scanned on two machines is one heart in two pictures. SDNet {cite}`chartsias2019` takes a picture apart along that line: into
# **anatomy** $s$, a stack of eight binary maps that say *where* things are, and **modality** $z$, eight numbers that
# say how they *look*. A decoder puts the picture together again. Above all it is the shape of the two codes that is to force the split:
# a binary map has less room for grey values than a picture, and eight numbers have no room for a position.
#
# Whether that works can be measured exactly on a phantom, because there the same heart can be shown in any style: MR at two field strengths,
# or CT. This chapter builds the method step by step and asks its factors what they hold. What the split is good for when
# labels are few is a question of its own, for a later chapter.

# %% tags=["remove-input"]
from typing import Optional

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
profile: str = "quick"  # smoke | quick | full | paper; how much work
seed: int = 0  # 0..1000000; seed of weights, batches and samples
data: str = "heart_phantom"  # heart_phantom; the cohort, by name
device: str = "cpu"  # cpu | cuda | auto; where the tensors live
steps: Optional[int] = None  # 1..100000; training steps of the live models, None: the profile's
people: Optional[int] = None  # 20..100; people to draw, None: the profile's

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display

from disentangle import figures
from disentangle.imaging.heart import pairs
from disentangle.metrics.intervals import crossed_bootstrap
from disentangle.runs import cells
from disentangle.runs.report import Report, glue
from disentangle.sdnet import ablation, arithmetic, evaluate, evaluate_factors, grids, swaps
from disentangle.sdnet.config import PRESETS
from disentangle.sdnet.disentanglement import posterior_variance, unassigned_share
from disentangle.sdnet.figures import (
    arithmetic_panel,
    factors_panel,
    learning_curves,
    outlines,
    swap_panel,
    traversal_panel,
)
from disentangle.sdnet.fitted import labelled_terms
from disentangle.sdnet.rounding import binarised
from disentangle.sdnet.train import factors, masks_from_anatomy, new_task, reconstruct

figures.use_style()
report = Report("sdnet", data)
live_steps = steps or {"smoke": 6, "quick": 250, "full": 800, "paper": 31_500}[profile]
people = people or {"smoke": 20, "quick": 60}.get(profile)
swapped = {"smoke": 8}.get(profile, 40)
NAMES = {
    "sdnet": "SDNet",
    "no_rounding": "anatomy not rounded",
    "argmax": "largest channel instead of rounding",
    "no_zrec": "no reconstruction of z",
    "concat": "z concatenated, no FiLM",
    "no_kl": "no KL term",
}
SHORT = {
    "sdnet": "SDNet",
    "no_rounding": "s not rounded",
    "argmax": "largest channel",
    "no_zrec": "z not asked again",
    "concat": "no FiLM",
    "no_kl": "no KL",
}
WAYS = {"mr_as_ct": "MR drawn as CT", "ct_as_mr": "CT drawn as MR"}


def signed(interval):
    """A difference with its interval, as text."""
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def nearer(interval):
    """What a difference of errors, the first minus the second, says of the first."""
    return (
        "nearer to the truth"
        if interval.high < 0
        else "farther from the truth"
        if interval.low > 0
        else "not told apart"
    )

# %% [markdown]
# :::{admonition} Simulated hearts
# :class: important
# All images on this page are simulated from published sizes, relaxation times and Hounsfield units. They can show whether the factors come apart and why; how
# well that works in people they cannot show.
# :::
#
# ## One heart, many pictures
#
# | paper | code | what it is | unit |
# |---|---|---|---|
# | $x$ | `images` | a slice, `(image, 1, side, side)` | 0..1 |
# | $f_A$ | `model.anatomy` | U-Net, softmax over channels, rounded | none |
# | $s$ | `Factors.anatomy` | binary anatomy, `(image, 8, side, side)` | none |
# | $f_M$ | `model.modality` | four strided convolutions and two linear layers over $s$ and $x$ | none |
# | $z$ | `Factors.modality` | modality: mean of a Gaussian, `(image, 8)` | none |
# | $h$ | `model.segmentor` | masks from $s$ alone | none |
# | $g$ | `model.decoder` | image from $s$ and $z$ | -1..1 inside, 0..1 outside |
#
# Half of the people were scanned with MR at 1.5 or 3 T, the other half with CT, as in the paper other people than those in MR. The exact
# pairs below are used to *measure* only: no model is trained on them.

# %%
cohort = ablation.both_modalities(people=people)
report.data(cohort)
training, test = ablation.split_of(cohort)
pd.DataFrame(
    {
        name: {
            "people": part.people,
            "images in MR": int((part.samples["modality"] == "mr").sum()),
            "images in CT": int((part.samples["modality"] == "ct").sum()),
        }
        for name, part in {"training": training, "test": test}.items()
    }
).T

# %% mystnb={"figure": {"name": "fig-sdnet-styles", "caption": "One slice of three test people (rows) in four styles: MR at 1.5 T, twice at 3 T with another scan's settings, and CT. The anatomy in a row is the same to the last pixel. Outlines: right ventricle, myocardium, left ventricle."}, "image": {"alt": "Three rows of four heart pictures. In a row the shapes agree exactly while brightness and contrast change: bright blood in MR, a darker and flatter picture in CT."}}
area = (test.labels > 0).sum((1, 2))
chosen = (
    test.samples.assign(row=np.arange(len(test)), area=area)
    .sort_values("area")
    .groupby("subject")["row"]
    .last()
)
rows = chosen.to_numpy()[np.linspace(0, len(chosen) - 1, 3).astype(int)]
styles = {
    "MR, 1.5 T": pairs.Style("mr1.5", 1),
    "MR, 3 T": pairs.Style("mr3", 2),
    "MR, 3 T, another scan": pairs.Style("mr3", 3),
    "CT": pairs.Style("ct", 4),
}
shown = [pairs.in_style(test, rows, [style] * len(rows)) for style in styles.values()]
outlines(
    np.stack(shown, 1).reshape(-1, 1, *test.images.shape[-2:]),
    np.repeat(test.labels[rows], len(styles), 0),
    titles=[*styles] + [""] * (len(styles) * (len(rows) - 1)),
    columns=len(styles),
)

# %% [markdown]
# ## The method, one step at a time
#
# **Anatomy.** A U-Net gives eight numbers to a pixel, a softmax turns them into shares of one, and rounding makes them 0 or 1. Rounding has
# no gradient. The trick is to pretend that it was not there on the way back ("straight-through"): the gradient of the rounded map is that of
# the softmax.

# %%
logits = torch.randn(
    1, 8, 4, 4, generator=torch.Generator().manual_seed(seed), requires_grad=True
)
weights = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(seed + 1))
gradients = {}
for kind in ("none", "round", "argmax"):
    s = binarised(logits, kind)
    (gradients[kind],) = torch.autograd.grad((s * weights).sum(), logits)
    print(
        f"{kind:>7}: values {sorted({round(v, 2) for v in s.unique().tolist()})[:5]}, pixels on no channel {(s.amax(1) == 0).float().mean():.0%}"
    )
print(
    "largest difference of the gradients:",
    (gradients["round"] - gradients["none"]).abs().max().item(),
)

# %% [markdown]
# Look at the line `round`: where no share exceeds one half, *no* channel is set. The paper calls $s$ a one-hot map. It is one only where a channel wins by more than
# all others together; elsewhere "no channel" is one more class, without a name. The tables below count those pixels. The option `argmax` leaves none.
#
# **Modality, masks, picture.** The other three networks are small on purpose. The decoder sees a window of 19 x 19 pixels around each
# point and has no layer that could move anything: $z$ enters by scaling and shifting feature maps as a whole (FiLM
# {cite}`perez2018`).

# %%
usual = ablation.configuration(learning_rate=grids.LEARNING_RATE)
config = PRESETS[profile] if profile in ("smoke", "paper") else usual
config = config.with_training(steps=live_steps, device=device)
config = ablation.for_side(config, cohort.images.shape[-1])
paper = new_task(PRESETS["paper"], seed).model
ours = new_task(config, seed).model
x = torch.from_numpy(2 * test.images[rows] - 1)
with torch.no_grad():
    out = ours(x)
counts = {
    "anatomy encoder": "anatomy",
    "modality encoder": "modality",
    "segmentor": "segmentor",
    "decoder": "decoder",
}
shapes = {
    "anatomy encoder": f"x {tuple(x.shape)} → s {tuple(out.anatomy.shape)}",
    "modality encoder": f"s, x → z {tuple(out.posterior.mean.shape)}, mean and log variance",
    "segmentor": f"s → masks {tuple(out.probabilities.shape)}, background first",
    "decoder": f"s, z → image {tuple(out.drawn.shape)}",
}
pd.DataFrame(
    {
        "shapes on this page": shapes,
        "weights here": {
            name: f"{sum(p.numel() for p in getattr(ours, part).parameters()):,}"
            for name, part in counts.items()
        },
        "weights in the paper's size": {
            name: f"{sum(p.numel() for p in getattr(paper, part).parameters()):,}"
            for name, part in counts.items()
        },
    }
)

# %% [markdown]
# **Costs.** Dice for labelled images, absolute error of the reconstruction, a KL term that keeps $z$ near a standard
# Gaussian, and the *reconstruction of z*: draw a random $z$, paint the anatomy with it, and let the modality encoder guess it from
# the painting. Without that term the decoder may ignore $z$.
#
# | term | weight | who learns from it |
# |---|---|---|
# | 1 - Dice of masks read from $s$ | 10 | anatomy and segmentor, labelled images |
# | $\lvert x - g(s, z)\rvert$ | 1 | anatomy, modality, decoder |
# | KL of $z$ | 0.01 | modality, anatomy |
# | $\lvert z - f_M(s, g(s, z))\rvert$ | 1 | decoder and modality (code); also anatomy (paper) |
# | $(D_M(h(s)) - 1)^2$: a discriminator $D_M$ should take the predicted masks for drawn ones | 10 | anatomy and segmentor, unlabelled images; not on this page |

# %% [markdown]
# ## Training, live
#
# Here and in the cells below one model learns from MR and CT together, with labels and without a discriminator (section
# 5.3 of the paper). Beside it the same model without rounding, to see what rounding is for.

# %%
live = {"SDNet": ablation.trained(training, config, seed)}
live["not rounded"] = ablation.trained(training, ablation.without_rounding(config), seed)
for fitted in live.values():
    report.fitted(fitted.fit_seconds)
fitted = live["SDNet"]

# %% mystnb={"figure": {"name": "fig-sdnet-training", "caption": "Training over steps: one minus the soft Dice (0..1), mean absolute error of the reconstruction (grey values of -1..1), and share of pixels on which every channel of s is 0; without rounding no channel is exactly 0."}, "image": {"alt": "Three panels of curves for SDNet and for the model without rounding: Dice cost and reconstruction error fall, the share of pixels on no channel first rises and then settles for SDNet and is zero for the other."}}
learning_curves(
    {name: labelled_terms(one) for name, one in live.items()},
    ["dice", "reconstruction", "unassigned"],
    smooth=3,
)

# %% tags=["hide-input"]
tail = labelled_terms(fitted)["reconstruction"].dropna().to_numpy()
rising = len(tail) > 9 and tail[-3:].mean() < 0.97 * tail[-6:-3].mean()
display(
    Markdown(
        f"{live_steps:,} steps of 4 images, {sum(one.fit_seconds for one in live.values()):.0f} s for both models on the machine of this run."
        + (" **The reconstruction was still improving at the last step.**" if rising else "")
    )
)

# %% [markdown]
# ## What the two factors hold

# %% mystnb={"figure": {"name": "fig-sdnet-factors", "caption": "Three test people through SDNet: the image, the eight channels of its anatomy s, the image drawn from s and z, the outlines read from s, and the true ones."}, "image": {"alt": "Three rows. Each shows a heart picture, eight black-and-white maps of which some hold the cavities and the wall, a smooth redrawn picture and outlined copies."}}
found = factors(fitted, test)
where = arithmetic.channels_of(found.anatomy, test.labels, {"RV": 1, "MYO": 2, "LV": 3})
factors_panel(
    test.images[rows],
    found.anatomy[rows],
    reconstruct(fitted, test.images[rows]),
    masks_from_anatomy(fitted, found.anatomy[rows]),
    truth=test.labels[rows],
    channel_names={channel: name for name, channel in where.items()},
)

# %% [markdown]
# A cavity or a wall with a channel of its own is what the paper means by *semantic* anatomy. Look whether the channels here are so tidy: after so few steps some cover parts of
# two structures, or of the chest wall, and what is read from them shows it. Nothing forces the other channels to mean anything, and some stay empty.

# %% mystnb={"figure": {"name": "fig-sdnet-not-rounded", "caption": "The same people through the model without rounding. Its maps may carry shades of grey, so that part of the look can be kept in s."}, "image": {"alt": "Three rows as before, but the eight maps look like faded copies of the picture in shades of grey."}}
soft = live["not rounded"]
found_soft = factors(soft, test)
factors_panel(
    test.images[rows],
    found_soft.anatomy[rows],
    reconstruct(soft, test.images[rows]),
    masks_from_anatomy(soft, found_soft.anatomy[rows]),
    truth=test.labels[rows],
)

# %%
pd.DataFrame(
    {
        name: {
            "variance of z, least to most used": " ".join(
                f"{v:.2f}" for v in np.sort(posterior_variance(one))[::-1]
            ),
            "pixels where no channel exceeds one half": f"{unassigned_share(one.anatomy).mean():.1%}",
        }
        for name, one in {"SDNet": found, "not rounded": found_soft}.items()
    }
).T

# %% [markdown]
# A dimension of $z$ whose variance is near 1 says nothing: the encoder returns the prior whatever it sees. A small variance does not prove the opposite. The reconstruction
# of $z$ compares the $z$ that was drawn with a *sample* of the guess, so it presses the variance down whatever $z$ holds; the table of variants below shows how far. (In the paper's models even the
# most used dimensions keep a variance of 0.6.)
#
# ### Arithmetic on the anatomy
#
# Exchange channels and draw again, with $z$ held (section 5.5).

# %% mystnb={"figure": {"name": "fig-sdnet-arithmetic", "caption": "What the decoder draws (above) from the channels of s (below, one colour a channel): as found, myocardium added to the left ventricle, the two exchanged, and all channels permuted. z is the same throughout."}, "image": {"alt": "Four drawn hearts above four coloured maps. After merging the wall looks like blood; after the exchange the ring is bright and the middle dark; after the permutation all grey values are wrong while shapes stay."}}
at = rows[[1]]
arithmetic_panel(
    arithmetic.channel_arithmetic(
        fitted, found.anatomy[at], found.modality[at], where["LV"], where["MYO"], seed=seed
    )
)

# %% [markdown]
# ### Walking along z

# %% mystnb={"figure": {"name": "fig-sdnet-traversal", "caption": "One anatomy drawn with each dimension of z set to -3 ... 3 in turn. Last columns: correlation of each pixel with z, and last minus first picture (grey values of 0..1)."}, "image": {"alt": "Eight rows of seven heart pictures whose brightness or contrast changes from left to right, in some rows hardly at all, followed by red and blue maps of correlation and difference."}}
walk = arithmetic.traverse(fitted, found.anatomy[rows[1]], found.modality[rows[1]])
traversal_panel(walk)

# %% tags=["hide-input"]
of_people = []
for row in chosen.to_numpy():
    change = arithmetic.traverse(fitted, found.anatomy[row], found.modality[row]).difference
    strongest = change[np.abs(change).mean((1, 2)).argmax()]
    of_people.append(
        (
            max(strongest.clip(0).sum(), -strongest.clip(max=0).sum())
            / np.abs(strongest).sum(),
            (np.abs(strongest) > np.abs(strongest).mean() / 2).mean(),
        )
    )
one_direction, whole_image = (
    crossed_bootstrap(np.array(shares)[:, None], draws=evaluate.DRAWS, seed=0)
    for shares in zip(*of_people, strict=True)
)
report.finding(
    "whole_image",
    "sdnet",
    whole_image,
    unit="share of pixels",
    better="neither",
    what="share of pixels that change by more than half the mean along the strongest dimension of z, test people, model of this page",
)
report.finding(
    "one_direction",
    "sdnet",
    one_direction,
    unit="share of the change",
    better="neither",
    what="share of a picture's change along the strongest dimension of z that has one sign, test people, model of this page",
)
size = np.abs(walk.difference).mean((1, 2))
display(
    Markdown(
        f"In the figure the strongest dimension changes a pixel by {size.max():.3f} of the grey scale on average, the weakest by {size.min():.3f}. Over "
        f"{one_direction.n} test people, **{one_direction.value:.2f}** [{one_direction.low:.2f}, {one_direction.high:.2f}] of the change along the strongest "
        "dimension goes in one direction: near 1 the walk is one of brightness, near one half one of contrast. "
        f"**{whole_image.value:.2f}** [{whole_image.low:.2f}, {whole_image.high:.2f}] of the pixels take part (they change by more than half the mean): a walk that brightens the heart "
        "alone would have a small share."
    )
)

# %% [markdown]
# ## Exchanging the look: MR as CT, CT as MR
#
# Take the anatomy of one person and the modality of another, and draw. In the paper the result is judged by eye. Here the right answer is
# known: the donor's scan of the source's heart. The error of a swap is stated as a share of the error of
# *doing nothing*, the source left as it is.

# %% mystnb={"figure": {"name": "fig-sdnet-swap", "caption": "Anatomy of one test person with the modality of another: source, the exact picture of that heart in the donor's style, the swap, and swapped minus exact (grey values of 0..1). Model of this page."}, "image": {"alt": "Rows of four pictures: a source heart, the same heart in the other modality, a smoother drawn version, in which heart and chest wall often keep the brightness of the source, and a red and blue map of what is missing."}}
some = swaps.draw_pairs(test, swapped, 0, across="modality")
pictures = swaps.swapped_pictures(fitted, test, some)
scanner = test.samples["modality"].to_numpy()
kinds = [
    f"{scanner[row].upper()} as {scanner[donor].upper()}" for row, donor in some.to_numpy()
]
hearts = pd.DataFrame({"kind": kinds, "area": (test.labels[some["row"]] > 0).sum((1, 2))})
examples = (
    hearts.sort_values("area")
    .groupby("kind")
    .tail(2)
    .sort_values("kind", ascending=False)
    .index
)
swap_panel(pictures, examples, row_labels=[kinds[at] for at in examples])

# %% [markdown]
# The measurement comes from cells: two seeds of SDNet and of each variant, the same people, steps and rate for all. The rate was chosen with SDNet, by the masks of
# validation people who are in neither of the other groups. These are small models, trained briefly beside the paper's; read them as what the design does early, not as its limit.

# %% tags=["hide-input"]
table_of_cells = cells.load("sdnet")
done = table_of_cells.done
variants = [
    name for name in NAMES if any(cell["parameters"].get("variant") == name for cell in done)
]
display(Markdown(table_of_cells.summary()))
rates = evaluate_factors.rates(done)
if len(rates):
    means = rates.groupby("rate")["dice"].mean()
    tried = ", ".join(f"{dice:.3f} at {rate:g}" for rate, dice in means.items())
    display(
        Markdown(
            f"All cells: {usual.image_size} pixels a side, {usual.base} filters, {usual.training.steps:,} steps of {usual.training.batch_size} images. Dice of {rates['n'].iloc[0]} validation people, mean "
            f"of {rates['seed'].nunique()} trainings: {tried}; taken was {grids.LEARNING_RATE:g}."
        )
    )

# %% tags=["hide-input"]
rows_of_table = []
for variant in [*variants, "copy"] if variants else []:
    interval = evaluate_factors.swap_fraction(done, variant)
    heart = evaluate_factors.swap_fraction(done, variant, heart=True)
    ways = {
        way: evaluate_factors.swap_fraction(done, variant, source=way) for way in ("mr", "ct")
    }
    name = NAMES.get(variant, "the source, left as it is")
    if variant == "sdnet":
        for way, text in WAYS.items():
            for part, condition in ((False, way), (True, f"{way}_heart")):
                report.finding(
                    "swap_error",
                    "sdnet-copy",
                    evaluate_factors.swap_difference(
                        done, "sdnet", "copy", heart=part, source=way[:2]
                    ),
                    unit="grey values",
                    better="lower",
                    condition=condition,
                    what=f"paired difference of mean absolute error, {text} by SDNet minus copying the source{', the heart alone' if part else ''}",
                )
    if variant != "copy":
        for condition, value in {None: interval, "heart": heart}.items():
            report.finding(
                "swap_error",
                variant,
                value,
                unit="share of the error of copying",
                better="lower",
                condition=condition,
                what=f"error of MR drawn as CT and back against the exact picture, {name}, over that of copying the source",
            )
        difference = evaluate_factors.swap_difference(done, variant, "copy")
        report.finding(
            "swap_error",
            f"{variant}-copy",
            difference,
            unit="grey values",
            better="lower",
            what=f"paired difference of mean absolute error, swap by {name} minus copying the source",
        )
        if variant != "sdnet":
            report.finding(
                "swap_error",
                f"{variant}-sdnet",
                evaluate_factors.swap_difference(done, variant, "sdnet"),
                unit="grey values",
                better="lower",
                what=f"paired difference of mean absolute error of swaps, {name} minus SDNet",
            )
    else:
        report.finding(
            "swap_error",
            "copy",
            evaluate_factors.copy_error(done),
            unit="grey values",
            better="lower",
            what="mean absolute error of the source, left as it is, against the exact picture in the donor's style",
        )
    between = None
    if variant != "copy":
        between = evaluate_factors.scanner_fraction(done, variant)
        report.finding(
            "swap_error",
            variant,
            between,
            unit="share of the error of copying",
            better="lower",
            condition="scanner",
            what=f"error of MR at 1.5 T drawn as at 3 T and back against the exact picture, {name}, over that of copying the source",
        )
    rows_of_table.append(
        {
            "method": name,
            "both ways": interval,
            "MR as CT": ways["mr"],
            "CT as MR": ways["ct"],
            "the heart alone": heart,
            "1.5 T as 3 T and back": between or "1",
        }
    )

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sdnet-ablation", "caption": "Error of exchanged modality (MR as CT and back) as a share of the error of leaving the source as it is, with 95 % intervals over test people and seeds; small points: seeds. Below 1 swapping helps."}, "image": {"alt": "One horizontal interval a variant of SDNet for the error of its swaps as a share of that of copying, which is a dashed line at one; left of it swaps are nearer to the truth."}}
if rows_of_table:
    summary = pd.DataFrame(
        [
            {"method": row["method"], **vars(row["both ways"])}
            for row in rows_of_table
            if row["method"] in NAMES.values()
        ]
    )
    single = {
        NAMES[name]: evaluate_factors.swap_fractions_by_seed(done, name) for name in variants
    }
    display(
        figures.interval_plot(
            summary,
            label="error of swaps / error of copying",
            references={"copy": 1.0},
            draws=single,
        )
    )

# %% tags=["hide-input"]
if rows_of_table:
    display(
        pd.DataFrame(
            [{name: str(value) for name, value in row.items()} for row in rows_of_table]
        ).style.hide(axis="index")
    )
if "sdnet" in variants:
    ceiling = evaluate_factors.swap_fraction(done, "own")
    report.finding(
        "swap_error",
        "own",
        ceiling,
        unit="share of the error of copying",
        better="lower",
        what="error of the exact picture drawn from its own factors by SDNet, over that of copying the source",
    )
    told = {
        (way, part): evaluate_factors.swap_difference(
            done, "sdnet", "copy", heart=part, source=way[:2]
        )
        for way in WAYS
        for part in (False, True)
    }
    display(
        Markdown(
            " ".join(
                f"{text}: the {'heart' if part else 'whole picture'} is {nearer(told[way, part])} {'from' if nearer(told[way, part]) == 'not told apart' else 'than'} the source left as it is ({signed(told[way, part])} grey values)."
                for way, text in WAYS.items()
                for part in (False, True)
            )
            + f" What the decoder can do at best, when it may look at the exact picture and draws it from its own factors, is **{ceiling}** of copying: "
            "the rest of a swap's error is the exchanged look."
        )
    )
    scanners = {variant: evaluate_factors.scanner_fraction(done, variant) for variant in variants}
    worse = [SHORT[variant] for variant, value in scanners.items() if value.low > 1]
    if worse:
        display(
            Markdown(
                f"Between two scanners of MR (1.5 and 3 T) a swap is **worse than doing nothing** for {', '.join(worse)}: SDNet has {scanners['sdnet']} of the error of copying."
            )
        )

# %% [markdown]
# Between two scanners of MR the source is already close to the answer, so copying it is a strong baseline: a smooth drawing loses texture, and the exchanged style has to make up for that.
#
# ## Modality from z
#
# Section 5.4 of the paper trains a logistic regression to tell MR from CT by $z$. A number near one sounds like
# disentanglement, but two controls belong beside it. The **mean and standard deviation of the image** know the modality too:
# if they do as well, reading it from $z$ is no feat. And the same question must be put to $s$, which should *not* know. Accuracy is balanced: the mean of that
# in MR and that in CT, so that one half is guessing. The shuffled row is the mean of a few shuffles; its interval draws people and seeds, not shuffles.

# %% tags=["hide-input"]
SOURCES = {
    "z": "z",
    "z_best_dimension": "the best single dimension of z",
    "image_mean_sd": "mean and SD of the image",
    "s": "s (areas and coarse maps of its channels)",
    "shuffled": "z, modality shuffled among people",
}
rows_of_table = []
for source, name in SOURCES.items() if "sdnet" in variants else []:
    interval = evaluate_factors.modality_accuracy(done, "sdnet", source)
    report.finding(
        "accuracy",
        source,
        interval,
        unit="accuracy",
        better={"s": "lower", "shuffled": "neither"}.get(source, "higher"),
        condition="modality",
        what=f"linear probe of MR or CT from {name}, test people",
    )
    rows_of_table.append({"read from": name, "balanced accuracy, test people": str(interval)})
if rows_of_table:
    gain = evaluate_factors.modality_difference(
        done, ("sdnet", "z"), ("sdnet", "image_mean_sd")
    )
    report.finding(
        "accuracy",
        "z-image_mean_sd",
        gain,
        unit="accuracy",
        better="higher",
        condition="modality",
        what="paired difference of accuracy, z minus mean and SD of the image",
    )
    display(pd.DataFrame(rows_of_table).style.hide(axis="index"))
    display(
        Markdown(
            f"z minus the image's mean and SD: **{gain.value:+.3f}** [{gain.low:+.3f}, {gain.high:+.3f}]."
        )
    )
    over_s = evaluate_factors.modality_difference(
        done, ("sdnet", "z"), ("sdnet", "s"), "network"
    )
    report.finding(
        "accuracy",
        "z-s",
        over_s,
        unit="accuracy",
        better="higher",
        condition="modality",
        what="paired difference of accuracy, MR or CT from z minus from s, each by a small network",
    )
    of_s = evaluate_factors.modality_accuracy(done, "sdnet", "s", "network")
    display(
        Markdown(
            f"A small network reads the modality from $s$ with an accuracy of **{of_s}**, and from $z$ minus from $s$ is {signed(over_s)}: "
            + (
                "the binary anatomy knows the scanner **better** than the factor that is made for it."
                if over_s.high < 0
                else "the modality factor knows the scanner better than the anatomy does."
                if over_s.low > 0
                else "which of the two factors knows the scanner better is not told."
            )
        )
    )

# %% [markdown]
# ## Does it disentangle?
#
# Three questions to each variant. Does $s$ know the style (it should not)? Does $z$ know the anatomy (it should not)? And
# are the two independent? A linear probe may miss what is there, so a small network asks as well. "Segments" says what the split
# costs: Dice of the masks read from $s$.

# %% tags=["hide-input"]
rows_of_table = []
for variant in variants:
    segments = evaluate_factors.variant_dice(done, variant)
    report.finding(
        "dice",
        variant,
        segments,
        unit="Dice",
        better="higher",
        condition="mr_ct",
        what=f"3D Dice of test people, one model of MR and CT, {NAMES[variant]}",
    )
    from_s = evaluate_factors.modality_accuracy(done, variant, "s", "linear")
    from_s_network = evaluate_factors.modality_accuracy(done, variant, "s", "network")
    report.finding(
        "accuracy",
        variant,
        from_s_network,
        unit="accuracy",
        better="lower",
        condition="modality_from_s",
        what=f"MR or CT read from s by a small network, test people, {NAMES[variant]}",
    )
    if variant != "sdnet":
        report.finding(
            "accuracy",
            f"{variant}-sdnet",
            evaluate_factors.modality_difference(
                done, (variant, "s"), ("sdnet", "s"), "network"
            ),
            unit="accuracy",
            better="lower",
            condition="modality_from_s",
            what=f"paired difference of reading the modality from s, {NAMES[variant]} minus SDNet",
        )
    dependence = evaluate.seeds_interval(
        [
            cell["scores"]["distance_correlation"]["value"]
            for cell in done
            if cell["parameters"].get("variant") == variant
        ]
    )
    by_chance = np.mean(
        [
            cell["scores"]["distance_correlation"]["permuted_people"]
            for cell in done
            if cell["parameters"].get("variant") == variant
        ]
    )
    report.finding(
        "distance_correlation",
        variant,
        dependence,
        unit="distance correlation",
        better="lower",
        what=f"distance correlation of s and z, test images, mean and range over seeds, {NAMES[variant]}",
    )
    heart_from_z = {
        probe: np.mean(
            [
                evaluate_factors.probe_value(cell, "lv_area", "z", probe)
                for cell in done
                if cell["parameters"].get("variant") == variant
            ]
        )
        for probe in ("linear", "network")
    }
    same, other = evaluate_factors.consistency(done, variant)
    rows_of_table.append(
        {
            "variant": SHORT[variant],
            "segments (Dice)": str(segments),
            "right ventricle (Dice), each training": ", ".join(
                f"{dice:.2f}" for dice in evaluate_factors.structure_dice(done, variant, "rv")
            ),
            "modality from s, linear": str(from_s),
            "modality from s, network": str(from_s_network),
            "LV area from z, R2 linear / network": f"{heart_from_z['linear']:.2f} / {heart_from_z['network']:.2f}",
            "distance correlation of s, z (people exchanged)": f"{dependence.value:.2f} ({by_chance:.2f})",
            "s of two styles of one heart agree, Dice over channels (s of two hearts)": f"{same:.2f} ({other:.2f})",
            "variance of z, least to most used dimension": "{:.2f} to {:.2f}".format(
                *evaluate_factors.posterior_variances(done, variant)
            ),
        }
    )
if rows_of_table:
    display(pd.DataFrame(rows_of_table).set_index("variant").T.rename_axis(columns=None))
    by_look = np.mean(
        [
            evaluate_factors.probe_value(cell, "lv_area", "image_mean_sd", "linear")
            for cell in done
            if cell["parameters"].get("variant") == "sdnet"
        ]
    )
    display(
        Markdown(
            f"The number in brackets is what is had for nothing. For the area of the left ventricle that is the linear $R^2$ from mean and SD of the image alone, {by_look:.2f}: a $z$ that "
            "knows how bright a picture is knows something of the size of its heart."
        )
    )

# %% [markdown]
# ## How many channels, how many numbers?
#
# The paper finds that four channels are too few for three structures and their surroundings, that eight do, and that more than eight dimensions of $z$ do not help (section 5.6). The same
# model with other sizes, beside eight of both:

# %% tags=["hide-input"]
SIZES = {
    "channels_4": "4 channels of s",
    "channels_16": "16 channels of s",
    "z_4": "4 dimensions of z",
    "z_32": "32 dimensions of z",
    "z_128": "128 dimensions of z",
}
sized = {
    size: evaluate_factors.dice_difference(done, size, "sdnet")
    for size in SIZES
    if "sdnet" in variants and any(cell["parameters"].get("variant") == size for cell in done)
}
rows_of_table = []
for size, difference in sized.items():
    dice = evaluate_factors.variant_dice(done, size)
    swap_change = evaluate_factors.swap_difference(done, size, "sdnet")
    for metric, interval, unit, better in (
        ("dice", difference, "Dice", "higher"),
        ("swap_error", swap_change, "grey values", "lower"),
    ):
        report.finding(
            metric,
            f"{size}-sdnet",
            interval,
            unit=unit,
            better=better,
            what=f"paired difference, {SIZES[size]} minus eight of both",
        )
    own = [cell for cell in done if cell["parameters"].get("variant") == size]
    rows_of_table.append(
        {
            "size": SIZES[size],
            "Dice": str(dice),
            "Dice, minus that of eight": f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]",
            "error of swaps, minus that of eight": f"{swap_change.value:+.3f} [{swap_change.low:+.3f}, {swap_change.high:+.3f}]",
            "pixels where no channel exceeds one half": f"{np.mean([cell['scores']['unassigned'] for cell in own]):.0%}",
            "seeds": len(own),
        }
    )
if rows_of_table:
    display(pd.DataFrame(rows_of_table).style.hide(axis="index"))
else:
    display(Markdown("These cells have not run."))

# %% [markdown]
# ## Do two modalities help one another?
#
# The paper trains one model on MR and CT together and finds that some CT helps to segment MR, and some MR to segment CT (section 5.3, Table 3). MM-WHS cannot be had
# here; the phantom asks the same of other people: all people of one modality, with none, an eighth or all of the people of the other. Same steps, same people tested.

# %% tags=["hide-input"]
MIXED = {
    "mr": {"mr_alone": "MR alone", "mr_some_ct": "MR, an eighth of CT", "sdnet": "MR and CT"},
    "ct": {"ct_alone": "CT alone", "ct_some_mr": "CT, an eighth of MR", "sdnet": "MR and CT"},
}
trained_on = {cell["parameters"].get("variant") for cell in done}
rows_of_table, mixed = [], {}
for modality, mixtures in MIXED.items():
    alone = f"{modality}_alone"
    for mixture, name in mixtures.items():
        if not {alone, mixture} <= trained_on:
            continue
        dice = evaluate_factors.variant_dice(done, mixture, modality)
        report.finding(
            "dice",
            mixture,
            dice,
            condition=modality,
            unit="Dice",
            better="higher",
            what=f"average 3D Dice of test people in {modality.upper()}, trained on {name}",
        )
        row = {
            "tested in": modality.upper(),
            "trained on": name,
            "Dice": str(dice),
            "single trainings": ", ".join(
                f"{evaluate_factors.variant_dice([cell], mixture, modality).value:.3f}"
                for cell in done
                if cell["parameters"].get("variant") == mixture
            ),
            "minus one modality alone": "",
        }
        if mixture != alone:
            change = evaluate_factors.dice_difference(done, mixture, alone, modality)
            mixed[mixture, modality] = change
            report.finding(
                "dice",
                f"{mixture}-{alone}",
                change,
                condition=modality,
                unit="Dice",
                better="higher",
                what=f"paired difference in {modality.upper()} people, trained on {name} minus {modality.upper()} alone",
            )
            row["minus one modality alone"] = (
                f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
            )
        rows_of_table.append(row)
if rows_of_table:
    display(pd.DataFrame(rows_of_table).style.hide(axis="index"))
else:
    display(Markdown("These cells have not run."))
GONE = 0.05
parts = {"rv": "right ventricle", "myo": "myocardium", "lv": "left ventricle"}
lost = [
    f"{name} ({part}, {gone} of {len(values)} trainings)"
    for mixture, name in (MIXED["mr"] | MIXED["ct"]).items()
    for structure, part in parts.items()
    if mixture in trained_on
    and (values := evaluate_factors.structure_dice(done, mixture, structure))
    and (gone := sum(value < GONE for value in values))
]
if lost:
    display(
        Markdown(
            f"**Given up** (mean Dice of a structure below {GONE}): {'; '.join(lost)}. A difference from such a training is mostly the luck of a seed, not what the other modality adds."
        )
    )

# %% [markdown]
# ## The claims, and what we found

# %% tags=["hide-input"]
rows_of_table = []


def judged(number, text, interval, better):
    """One row of the table of claims: an interval beside zero, or beside even odds."""
    side = interval.low > 0 if better == "above" else interval.high < 0
    other = interval.high < 0 if better == "above" else interval.low > 0
    rows_of_table.append(
        {
            "claim": f"sdnet.{number}",
            "in question": text,
            "we measured": f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]",
            "so it": "holds" if side else "fails" if other else "stays undecided",
        }
    )


if "sdnet" in variants:
    for way, text in WAYS.items():
        judged(
            "C9",
            f"{text}: swapping is better than leaving the image",
            evaluate_factors.swap_difference(done, "sdnet", "copy", source=way[:2]),
            "below",
        )
    judged(
        "C10",
        "z tells MR from CT better than the image's mean and SD",
        evaluate_factors.modality_difference(done, ("sdnet", "z"), ("sdnet", "image_mean_sd")),
        "above",
    )
if {"sdnet", "no_rounding"} <= set(variants):
    judged(
        "C14",
        "swaps are worse without rounding",
        evaluate_factors.swap_difference(done, "no_rounding", "sdnet"),
        "above",
    )
    judged(
        "C14",
        "z knows the modality better than the binary s",
        over_s,
        "above",
    )
    judged(
        "C14",
        "without rounding s knows the modality better",
        evaluate_factors.modality_difference(
            done, ("no_rounding", "s"), ("sdnet", "s"), "network"
        ),
        "above",
    )
if "channels_4" in sized:
    judged("C13", "four channels segment worse than eight", sized["channels_4"], "below")
if "z_128" in sized:
    judged("C13", "128 dimensions of z segment worse than eight", sized["z_128"], "below")
MARGIN = 0.02
for size in ("channels_16", "z_32", "z_4"):
    if size in sized:
        found_of = sized[size]
        rows_of_table.append(
            {
                "claim": "sdnet.C13",
                "in question": f"{SIZES[size]} segment as well as eight, within {MARGIN}",
                "we measured": signed(found_of),
                "so it": "holds"
                if -MARGIN < found_of.low and found_of.high < MARGIN
                else "fails"
                if found_of.high < -MARGIN or found_of.low > MARGIN
                else "stays undecided",
            }
        )
for (mixture, modality), change in mixed.items():
    name = MIXED[modality][mixture]
    judged("C8", f"{modality.upper()} segmented better after {name}", change, "above")
if rows_of_table:
    display(pd.DataFrame(rows_of_table).style.hide(axis="index"))

# %% [markdown]
# All of this is simulated data: directions, not sizes. Every claim with its rule: {doc}`/book/claims`.
#
# :::{admonition} What the paper leaves open, and what we chose
# :class: note
# | open or different | here |
# |---|---|
# | the guess in the reconstruction of z: a sample (code) | a sample, which also presses the variance of z down; `z_guess="mean"` is the other |
# | reconstruction of z: anatomy encoded anew from the painting (paper) or kept (code) | kept; `z_reconstruction="reencode"` is the other |
# | one sum of costs (paper) or four optimisers in turn (code) | in turn; `updates="joint"` is the other |
# | rounding at one half leaves pixels without a channel | as published, and beside it the largest channel (`rounding="argmax"`), which leaves none |
# | nothing about precision | 32 bit: in bfloat16 the gradients behind rounding and batch normalisation over four images point elsewhere |
# | the Dice cost has its constant twice (code), so that an empty slice left empty costs -1 | the standard form; `dice="released"` is the other |
# | MR and CT: real MM-WHS, seven structures, 16 channels | phantom, three structures, eight channels |
# | 224 pixels, 64 filters, trained until validation people say stop | small pictures, few filters and steps (the numbers stand above the table of swaps): what fails here may come with longer training; `profile=paper` has the published size |
# | Adam with beta1 0.5 and a rate that is divided a little further at each update (code) | Adam with beta1 0.9, a rate that falls to zero along a cosine, chosen on validation people; `sdnet.released.fit` has the other |
# | swaps judged by eye | against the exact picture, as a share of copying |
# | modality read from z alone, tested on about as many images of both | balanced accuracy; the same from the image's mean and SD, from s, and with shuffled labels |
# :::
#
# ## Where it breaks
#
# - **Grey values leak into s.** Eight binary channels are enough to paint a picture in eight shades. The row "modality from s" measures it.
# - **z falls silent.** With too much KL, or no reconstruction of z, all pictures of an anatomy look alike. Compare the variance of $z$ without its reconstruction in the table of variants: near 1 it says nothing. The error of swaps alone does not show it.
# - **Smooth pictures.** The decoder paints regions. Texture, noise and trabeculae are lost; where they matter, this is the wrong model.
#
# ## Exercises
#
# 1. What happens to the picture when all of $s$ is empty?
#
# :::{admonition} Solution
# :class: dropdown
# The decoder then knows $z$ alone, which scales and shifts maps as a whole: the picture is nearly flat, apart from the rim. The next cell shows its
# spread beside that of a normal picture.
# :::

# %% tags=["hide-cell"]
from disentangle.sdnet.train import decode

empty = decode(fitted, np.zeros_like(found.anatomy[rows]), found.modality[rows])
print(
    f"standard deviation of grey values: {empty.std():.3f} of an empty anatomy, {test.images[rows].std():.3f} of the pictures"
)

# %% [markdown]
# 2. Is a swap between two scans of the *same* modality easier?
#
# :::{admonition} Solution
# :class: dropdown
# The source is then already close to the answer, and copying is a strong baseline. The next cell says which of the two is nearer with the model of this page.
# :::

# %% tags=["hide-cell"]
mr = test.select((test.samples["modality"] == "mr").to_numpy())
within = swaps.swap_errors(fitted, mr, swaps.draw_pairs(mr, swapped, 0, across="person"))
print(
    f"MR as another MR: error {within['swap'].mean():.3f}, of copying {within['copy'].mean():.3f}: "
    f"{'the swap' if within['swap'].mean() < within['copy'].mean() else 'leaving the picture as it is'} comes nearer"
)

# %% [markdown]
# ## On your own data
#
# Exact pairs do not exist for patients, so this page runs on the phantom. For your own scans, a cohort of two modalities or
# scanners is enough to train and to swap; see {doc}`/book/own_data` for the readers, and in Python:
#
# ```python
# from disentangle.sdnet.config import SDNetConfig
# from disentangle.sdnet.train import fit, swap
#
# config = SDNetConfig(classes=3, image_size=cohort.images.shape[-1])  # a multiple of 16, from 48 on
# drawn = (cohort.labels > 0).any(axis=(1, 2))  # images with labels
# fitted = fit(cohort, config, seed=0, labelled=drawn)
# as_the_other = swap(fitted, anatomy_of=images_of_one, modality_of=images_of_the_other)
# ```
