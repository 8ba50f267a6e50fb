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
# # Five factorisations, one exam
#
# Every chapter of this book takes images apart into what belongs to the person and what belongs to the scanner, and every paper proves on its own data, by its own
# measure, that its way works. That leaves the question a reader asks first: **which of them should I use?** No paper answers it, because no two of them were ever examined on
# the same images.
#
# Here they are. One cohort of simulated heads, six styles, the same images for everybody, the same questions afterwards: Exchange the style: how near is the picture
# to the truth? Read the style: from which code? Read the anatomy: from which code?
#
# :::{admonition} What is ours
# :class: important
# All of it. No paper made this comparison; cohort, sizes, steps, measures and the way each method is adapted are our choices. The methods were built for other tasks
# than this one: each is shown on its own ground too, [further down](#own-ground). People on this page are **simulated**, so directions count, sizes do not carry over to people.
# :::

# %% tags=["remove-input"]
from typing import Optional

# %% [markdown]
# ## Parameters

# %% tags=["parameters"]
profile: str = "quick"  # smoke | quick | full | paper; how much work
seed: int = 0  # 0..1000000; seed of weights and batches
data: str = "brain_sites"  # brain_sites; the cohort, by name
device: str = "cpu"  # cpu | cuda | auto; where the tensors live
heads: Optional[int] = None  # 4..200; training heads of the live part, None: the profile's

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from disentangle import figures
from disentangle.comparison import evaluate, live
from disentangle.comparison.controls import CONTROLS
from disentangle.comparison.experiment import control_scores
from disentangle.comparison.figures import cost_plot, error_plot, swap_rows, who_holds_what
from disentangle.comparison.methods import METHODS
from disentangle.comparison.people import FULL, STYLES, TARGETS, donors, people
from disentangle.comparison.protocol import Codes, TwoCodes
from disentangle.comparison.report import (
    CHANCE,
    conclusions,
    record_beyond,
    record_gains,
    record_rotation,
    record_scores,
    strongest_probe,
    wide_table,
)
from disentangle.comparison.scores import code_scores, swap_errors
from disentangle.comparison.sections import section_alone
from disentangle.runs import cells
from disentangle.runs.report import Report, glue

figures.use_style()
report = Report("comparison", data)
settings = live.profile_of(profile, heads, device)
plan = settings.plan
NAMES = {name: method.title for name, method in METHODS.items()}

# %% [markdown]
# ## The people
#
# `brain_sites` (chapter `brain_cohort`) draws heads on a template and scans them by the equations of MR. Here everybody is healthy and everybody is scanned **six times**:
# with the T1 and the T2 of three sites. A *style* is one sequence at one site. Between two styles of a head nothing differs but the scanner and its noise, so the true answer of every
# swap is known, pixel by pixel. No real data set can give that.

# %%
training, test = people(plan, "training"), people(plan, "test")
report.data(training.cohort())
pd.DataFrame(
    {
        name: {
            "heads": part.grid[0],
            "sections a head": part.grid[1],
            "styles": part.grid[2],
            "images on this page": len(part.flat),
            "images in the experiment": getattr(FULL, name) * FULL.sections * len(STYLES),
        }
        for name, part in {"training": training, "test": test}.items()
    }
).T

# %% [markdown]
# ## The idea in one picture
#
# The first row is one test head, scanned six times. Every other row starts from **the first picture alone** and asks a method for the other five. Most methods take the style from a picture of
# *another* head, and must not take anything else from it. Some are given the name of the style instead.

# %%
models = live.models_of(settings, seed)
report.fitted(sum(model.fit_seconds for model in models.values()))

# %% mystnb={"figure": {"name": "fig-cmp-swap", "caption": "One section of a test head. First row: as scanned in six styles. Further rows: what each method makes of the first picture alone. The first column is then its own style, drawn again."}, "image": {"alt": "A grid of brain sections. In the first row grey and white matter and the bright or dark ventricles change from style to style; the rows below imitate it more or less sharply."}}
ventricles = plan.sections // 3
swap_rows(live.same_swap(models, test, 0, ventricles, 0), STYLES)

# %% tags=["hide-input"]
page_errors = {
    NAMES[name]: swap_errors(model.swaps(test, donors(plan.test)), test).swap.mean()
    for name, model in models.items()
}
display(
    Markdown(
        f"Trained on this page, on {plan.training} heads: "
        + ", ".join(NAMES[name] for name in settings.methods)
        + ". The error of their swaps, where copying the source is 1: "
        + ", ".join(f"{name} {value:.2f}" for name, value in page_errors.items())
        + f". {'' if profile in ('full', 'paper') else 'A short training of few heads: blurred. '}The measurement below comes from cells, trained at full length."
    )
)

# %% [markdown]
# ## The questions
#
# | symbol | code | what it is | unit |
# |---|---|---|---|
# | $x_{h,k}$ | `Part.images[h, :, k]` | head $h$ in style $k$, `(section, side, side)` | 0..1, 0 outside the brain |
# | $b$ | `Codes.biology` | the code that should hold the person | none |
# | $n$ | `Codes.nuisance` | the code that should hold the style | none |
# | $\hat x_{h,k \to l}$ | `Model.swaps` | head $h$, seen in style $k$, drawn in style $l$ | 0..1 |
# | $E$ | `swap_error` | mean of $\lvert \hat x_{h,k \to l} - x_{h,l}\rvert$ over $\lvert x_{h,k} - x_{h,l}\rvert$, $k \ne l$, in the brain | part of copying |
# | $R$ | `reconstruction_error` | the same for $k = l$, over the same denominator | part of copying |
# | $S_b, S_n$ | `style_from_biology`, `style_from_nuisance` | style named by a probe of $b$, of $n$ | accuracy; chance 1/6, and 1/3 for a code that tells T1 from T2 and nothing of the site |
# | $B_b, B_n$ | `biology_from_biology`, `biology_from_nuisance` | shares of CSF, grey and white matter and area of the brain, read by a probe | R2 |
# | $D$ | `distance_correlation` | dependence of $b$ and $n$ within a style, unbiased, squared | 0 independent, 1 the same |
#
# A good factorisation has a small $E$ near its $R$, a small $S_b$ with a large $S_n$, a large $B_b$ with a small $B_n$, and $D$ near 0. A probe is logistic or ridge regression (*linear*)
# or boosted trees (*nonlinear*), learned on training heads, scored on test heads; of both the better on test heads is told, which flatters a little. Codes that are maps are averaged over 8 x 8 squares and reduced to 64 principal components first.
#
# ### Do the questions work?
#
# Four codes whose answers are known before anything is measured: a **perfect** one (the true tissue shares; the style as one of six), a **constant** one, a **shuffled** one (the perfect codes of
# other images), and a **duplicated** one, in which both codes hold everything.

# %% tags=["hide-input"]
table_of_cells = cells.load("comparison")
done = table_of_cells.done
known = [cell["scores"] for cell in done if cell["cell"] == "controls"]
controls = known[0] if known else control_scores(plan)
on_controls = evaluate.control_table(controls)
on_controls.columns = [" ".join(name).replace("_", " ").strip() for name in on_controls.columns]
on_controls.style.format("{:.2f}")

# %% tags=["hide-input"]
glue("duplicated_style", float(on_controls.loc["duplicated", "style from biology linear"]))
glue("shuffled_trees", float(on_controls.loc["shuffled", "biology from biology nonlinear"]))

# %% [markdown]
# The duplicated code passes every question about what a code *holds*, and fails every question about what it *should not* hold ({glue:text}`duplicated_style:.2f` of styles are read from its biology). That is why
# each question is asked of both codes. Trees on a code that says nothing invent a little: R2 {glue:text}`shuffled_trees:.2f` on the shuffled one. So small negative numbers mean zero. Below, what *can* be read is
# the larger of both probes.
#
# ### What the place of a section gives away
#
# The sections lie at the same heights in every head, so tissue and area can be guessed from the **number of the section** alone:

# %% tags=["hide-input"]
alone = section_alone(training, test)
display(
    Markdown(
        f"Without the picture, from the number of the section, learned on {plan.training} heads: R2 {alone.mean():.2f}. An R2 up to about this value "
        "can come from knowing the section, with nothing known of the *person*; that holds for biological and nuisance codes alike."
    )
)

# %% [markdown]
# $D$ as well is taken over all sections of a style: two codes that both know the section depend on each other by that alone.
#
# ## The methods, and what each is told
#
# Nobody competes on equal terms: some are told tissue, some pairs, some only which style an image has, and that only after training. Here is who knows what.

# %% tags=["hide-input"]
pd.DataFrame(
    {
        method.title: {
            "what it is told": method.told,
            "biological code": method.biology,
            "nuisance code": method.nuisance,
            "a swap is asked for by": method.style,
        }
        for method in METHODS.values()
    }
).T

# %% [markdown]
# - **SDNet** {cite}`chartsias2019`: eight binary maps $s$ and a vector $z$; the maps learn from tissue masks of all training images.
# - **Anatomy learning** {cite}`yang2026`: the first stage of the anomaly detector. T1 and T2 of a head must give the same three tissues.
# - **PUIR** {cite}`tan2025`: the six styles as six modalities of a person. It has no nuisance code: a style is a channel of the decoder, and detail reaches it past $X_h$ through skips.
# - **Latent rotation** {cite}`pan2025`: the latents of the plain autoencoder, rotated so that styles lie on axes of their own.
# - **Autoencoder, Gaussian and Dirichlet VAE** {cite}`keel2023`: told nothing in training. Afterwards dimensions are ranked by their mutual information with the style; how many of 1, 2, 4, 8 or 16 are called nuisance is
#   chosen by the swap error on validation heads.
# - **A curve of grey values**: for each pair of styles a polynomial of the pixel's grey value. No network, no anatomy, no neighbourhood. Any method that loses to it has not earned its weights in *this* task.
# - **Copy**: the source unchanged. The unit of all errors.

# %% tags=["hide-input"]
table = evaluate.score_table(done)
summary = record_scores(report, table)
gains = record_gains(report, table)
rotated = record_rotation(report, table)
beyond = record_beyond(report, table, summary, alone if plan == FULL else None)
ran = evaluate.methods_of(table)
display(Markdown(table_of_cells.summary()))

# %% [markdown]
# ## The experiment
#
# The measurement comes from **cells**: one method and seed each, the same images, steps set for two to two and a half minutes on an idle core. Learning rates were chosen alike
# for all methods: four rates around that of the method's own chapter, and of these the one with the least swap error on validation heads with one seed (for PUIR and SDNet, which broke
# down at their best rate with another seed, the best of the lower rates; SDNet's breakdown was seen on test heads). Intervals draw heads and seeds together.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-cmp-errors", "caption": "Error of swaps (dots, with 95 % intervals of heads and seeds; strokes are single seeds) and of drawing the own style (squares), as a part of what copying the source costs. The grey line between both is what the exchange of the style adds."}, "image": {"alt": "A row a method with a dot, an interval and a square to the left of it; dashed lines at copying and at the curve of grey values."}}
swaps = summary[summary["metric"] == "swap_error"].set_index("method")
floors = summary[summary["metric"] == "reconstruction_error"].set_index("method")["value"]
shown = [name for name in ran if name in METHODS and name not in ("copy", "style_mean")]
if shown:
    rows = swaps.loc[shown].assign(floor=floors[shown]).sort_values("value").reset_index()
    rows["method"] = rows["method"].map(NAMES)
    lines = {"copying": 1.0}
    if "style_mean" in swaps.index:
        lines["curve of grey values"] = swaps.loc["style_mean", "value"]
    display(error_plot(rows, reference=lines))

# %% [markdown]
# An exchange of T1 for T2 and an exchange of one site's T1 for another's are different tasks: the first turns the contrast round, the second moves it a little, less than many a network's error of drawing. The
# same errors for both, in the same unit:

# %% tags=["hide-input"]
sequence = np.array([name.split()[1] for name in STYLES])
same = sequence[:, None] == sequence
apart = ~np.eye(len(STYLES), dtype=bool)
rows = {}
for name in ran:
    matrix = evaluate.pair_errors(done, name)
    rows[NAMES[name]] = {
        "own style": np.diag(matrix).mean(),
        "same sequence, other site": matrix[same & apart].mean(),
        "other sequence": matrix[~same].mean(),
    }
if rows:
    display(pd.DataFrame(rows).T.style.format("{:.2f}"))

# %% [markdown]
# ### Who holds what
#
# A perfect factorisation is dark in two fields, style from the nuisance code (above right) and biology from the biological code (below left), and empty in the other two.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-cmp-holds", "caption": "What can be read from which code, by the better of a linear and a nonlinear probe, on test heads. Above: style, accuracy (chance is one in six). Below: biology, R2. First square: the perfect control. Less than 0 is shown as 0. PUIR and the picture itself have no nuisance code; the picture, pooled as maps are, shows how much of the style is there to be read at all."}, "image": {"alt": "Small squares of four numbers, one a method. In the perfect one only the lower left and the upper right are dark; in most others the upper left is dark as well."}}
held = strongest_probe(summary)
perfect = pd.DataFrame({name: controls["perfect"][name] for name in evaluate.CODE_SCORES}).map(
    np.mean
)
squares = pd.concat(
    [
        perfect.max().to_frame("perfect (control)").T,
        held.rename(index=NAMES | {"copy": "the picture itself"}),
    ]
)
who_holds_what(squares)

# %% [markdown]
# Three readings are easy to get wrong. A dark field below is no merit yet: the number of the section alone makes it nearly as dark (above). A style that *can be read* from the biological code need not *reach the picture*: a decoder may ignore it. And a style that cannot be read by these two probes may
# be read by a third. The swap error is the test of the first, no test proves the second.

# %% tags=["hide-input"]
wide = wide_table(summary)
if len(wide):
    display(wide.T)

# %% [markdown]
# ### How many dimensions are style?
#
# Chosen on validation heads (autoencoders, of 64 dimensions, at most 16), or by the rotation's own rule. Where 16 is chosen, the bound decided: more might swap better.

# %% tags=["hide-input"]
dimensions = evaluate.chosen_dimensions(done)
if len(dimensions):
    wide_dimensions = dimensions.pivot(index="method", columns="seed", values="dimensions")
    display(wide_dimensions.rename(index=NAMES, columns=lambda n: f"seed {n}"))

# %% [markdown]
# ### What it costs

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-cmp-cost", "caption": "Swap error over the time of fitting, means over seeds. Steps were chosen for about equal time on a core of its own; the machine did other work as well, so read minutes as an order of magnitude."}, "image": {"alt": "Named dots; the curve of grey values lies at the lower left, the networks to the right of it."}}
costs = evaluate.cost_table(done)
if len(costs):
    dots = costs.drop(index="copy", errors="ignore").join(swaps["value"]).reset_index()
    display(cost_plot(dots.assign(method=dots["method"].map(NAMES))))

# %% tags=["hide-input"]
if len(costs):
    shown_costs = costs.rename(index=NAMES)
    shown_costs.columns = ["seconds of fitting", "parameters", "milliseconds an image", "seeds"]
    display(
        shown_costs.style.format(
            {
                "seconds of fitting": "{:.0f}",
                "parameters": "{:,.0f}",
                "milliseconds an image": "{:.1f}",
            }
        )
    )

# %% [markdown]
# ## What follows

# %% tags=["hide-input"]
sentences = [sentence for sentence in conclusions(summary, gains, beyond) if sentence]
if rotated is not None:
    sentences.append(
        "**Does the rotation earn its place?** It works on the latents of the plain autoencoder, whose most stylish dimensions can also be exchanged as they are. Rotating them first "
        f"changes the error of swaps by {rotated.value:+.3f} [{rotated.low:+.3f}, {rotated.high:+.3f}]."
    )
display(Markdown("\n\n".join(sentences) or "No cell has run yet, so nothing follows."))

# %% [markdown]
# (own-ground)=
# ## Everybody on their own ground
#
# An exam in one subject is unfair to specialists. SDNet was made to segment with few labels, anatomy learning to find lesions, the rotation to keep clusters in place, the VAEs to describe a lesion, PUIR to draw missing
# contrasts in three dimensions. So here is, for each, the main measurement of its own chapter against its strongest baseline there. Where there are several baselines, the least favourable counts.

# %% tags=["hide-input"]
grounds = evaluate.own_grounds()
there = grounds.dropna(subset=["value"])
verdicts = [
    "better"
    if row["sign"] * row["value"] > 0 and row["low"] * row["high"] > 0
    else "worse"
    if row["low"] * row["high"] > 0
    else "not told apart"
    for row in there.to_dict("records")
]
own = pd.DataFrame(
    {
        "chapter": there["chapter"],
        "on its own ground": there["question"],
        "difference": [
            f"{v:+.3f} [{lo:+.3f}, {hi:+.3f}] {unit}"
            for v, lo, hi, unit in there[["value", "low", "high", "unit"]].to_numpy()
        ],
        "so it is": verdicts,
        "page": there["page"],
    }
)
display(own.style.hide(axis="index"))
absent = grounds[grounds["value"].isna()]
if len(absent):
    display(
        Markdown(
            f"Left out, because the page is not published: {', '.join(absent['chapter'])}."
        )
    )
gone = there["missing"].explode().dropna()
if len(gone):
    display(
        Markdown(
            "Not among the compared, because the published page does not have them with an interval: "
            + ", ".join(f"`{name}`" for name in gone)
            + "."
        )
    )

# %% [markdown]
# :::{admonition} What we chose, and what it does to the result
# :class: note
# | choice | what it favours |
# |---|---|
# | healthy heads in exact register | methods that map grey values; no method has to cope with misplaced pixels |
# | a learning rate chosen by the swap error | what swaps well, blurred or not; in a Gaussian VAE it buys nearer swaps with poorer pictures |
# | a few minutes of training each | small networks; a vector code that must draw a whole brain needs longer |
# | error in grey values | blurred pictures over sharp ones that are slightly off |
# | styles that are nearly curves of each other's grey values | the polynomial |
# | donors are other heads, same section | methods whose style code is local to a section |
# | biology is four numbers a section, at the same heights in all heads | codes that know which section they see (its number alone is measured above); shape is not asked for |
# | truth has noise of its own | nobody can reach an error of zero |
# :::
#
# ## Where it breaks
#
# - **The style hides in the biology.** Nothing in SDNet forbids $s$ to use different channels for different styles, as long as the masks come out right. Then the decoder does not need $z$, even where a probe
#   can still read the style from it, and exchanging it may change little. Whether it does
#   differs from training to training: compare its square in {numref}`fig-cmp-holds` with the strokes of its single seeds in the figure before it.
# - **A small error is not understanding.** The polynomial looks at one pixel at a time and has no code at all; PUIR's decoder sees the source through its skips. A small error says *this can be drawn*, not *this was
#   taken apart*. That is why the codes are asked as well.
# - **An autoencoder's dimensions are not style or anatomy.** They are both, in every dimension; taking the most stylish ones away takes anatomy with them.
#
# ## Exercises
#
# 1. Exchange the sections too: give each head the style of *another section* of the donor. Should the error of a method whose style code is clean change?
#
# :::{admonition} Solution
# :class: dropdown
# Turn the order of the donor's sections round. A style code that holds nothing of the anatomy does not care.
# :::

# %% tags=["hide-cell"]
name = settings.methods[-1]
codes = models[name].codes(test)
turned = codes.nuisance.reshape(*test.grid, -1)[:, ::-1].reshape(codes.nuisance.shape)
moved = TwoCodes(
    lambda images, brain: Codes(codes.biology, turned), models[name].decode, 0.0, 0, {}
)
for words, model in {"same section": models[name], "other section": moved}.items():
    print(
        NAMES[name],
        words,
        f"{swap_errors(model.swaps(test, donors(plan.test)), test).swap.mean():.3f}",
    )

# %% [markdown]
# 2. Which grey values does the polynomial get wrong? Find the pair of styles that it draws worst, and look at where.
#
# :::{admonition} Solution
# :class: dropdown
# The tissue means printed below differ clearly in the source, so tissue is not what the curve confuses. What is left are mixed pixels at borders, noise and the coil's bias, where the same grey value stands for
# different things; the steeper the curve, the more of this it passes on.
# :::

# %% tags=["hide-cell"]
errors = swap_errors(models["style_mean"].swaps(test, donors(plan.test)), test)
source, target = np.unravel_index(np.argmax(errors.pairs), errors.pairs.shape)
print(
    f"worst: {STYLES[source]} to {STYLES[target]}, {errors.pairs[source, target]:.2f} of the mean copying error"
)
for number, tissue in enumerate(("CSF", "grey matter", "white matter"), 1):
    here = test.labels == number
    print(
        tissue,
        *(f"{STYLES[k]} {test.images[:, :, k][here].mean():.2f}" for k in (source, target)),
    )

# %% [markdown]
# 3. Three quarters of the biology are gone: replace the biological code by its first number alone. Which questions notice?
#
# :::{admonition} Solution
# :class: dropdown
# Only `biology_from_biology` does. No other question asks whether a code is complete; the swap error would.
# :::

# %% tags=["hide-cell"]
poor = [
    Codes(
        CONTROLS["perfect"](part, seed).biology[:, :1], CONTROLS["perfect"](part, seed).nuisance
    )
    for part in (training, test)
]
found = code_scores(*poor, training, test, seed)
print(
    {
        name: round(float(np.mean(values["linear"])), 2)
        for name, values in found.items()
        if "from" in name
    }
)
print("targets:", ", ".join(TARGETS), "| chance of a style:", round(CHANCE, 2))

# %% [markdown]
# ## A method of your own
#
# Whoever has an encoder into two codes and a decoder fills in `TwoCodes`, and every question of this page follows. This one takes the picture as its biology and the mean grey value as its style:

# %%
mean_style = TwoCodes(
    encode=lambda images, brain: Codes(
        images, (images.sum((1, 2)) / brain.sum((1, 2)))[:, None]
    ),
    decode=lambda biology, style, brain: (
        biology
        * style[:, :, None]
        / np.maximum(
            biology.sum((1, 2), keepdims=True) / brain.sum((1, 2), keepdims=True), 1e-6
        )
    ),
    fit_seconds=0.0,
    parameters=0,
    facts={},
)
print(
    f"swap error {swap_errors(mean_style.swaps(test, donors(plan.test)), test).swap.mean():.2f}"
)

# %% [markdown]
# Anything else is a `Model`: `codes(part)` and `swaps(part, donors)`. Add it to `METHODS` in `disentangle.comparison.methods` with what it was told, and its name to `TRAINED` in
# `disentangle.comparison.grids`. All cells depend on the table of methods, so the stored ones count as stale from then on; without `--only`, the command computes them anew:
#
# ```bash
# disentangle cells comparison --only mine_seed0    # yours alone, to begin with
# disentangle cells comparison
# disentangle run comparison -p heads=20
# disentangle run comparison -p profile=full -p device=cuda
# ```
#
# Your own heads: fill `Part` (images of every head in every style, tissue labels, brain masks) and hand it to `methods.fitted` and `experiment.scores_of`. Two of the methods are set for images of 64 x 64 pixels,
# and the styles are those of `STYLES`: T1 and T2 of three scanners. For other styles change that line in `disentangle.comparison.people` first.
