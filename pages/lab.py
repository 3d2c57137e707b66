"""The Lab: the way of the gradient with its choices, the run beneath it. A watch-only link shows the run alone."""

from gradleak_core.config import demand
from gradleak_core.config.needs import labels_revealed
from gradleak_core.data import class_names
from gradleak_core.doctor import diagnose
from pages._parts import pictures, setup, teaching, texts
from pages._parts.diagnosis import diagnosis, failed_before, shorten
from pages._parts.engine import catalogue, foresee, usable
from pages._parts.entrance import in_room, room_button
from pages._parts.fixes import fixes
from pages._parts.foreword import beside, foreword
from pages._parts.forking import fork, parent_card, start_of
from pages._parts.images import unnamed
from pages._parts.lanes import live_race, race_menu, racing
from pages._parts.live_view import live_view, run_alone
from pages._parts.pipeline import pipeline
from pages._parts.presets import presets
from pages._parts.problems import find_problems
from pages._parts.race import race_alone
from pages._parts.speaking import st
from pages._parts.teaching_form import teaching_form

known = catalogue()
if watched := setup.watched():
    if watched["problem"]:
        st.warning(texts.escaped(watched["problem"]), icon=":material/link_off:")
        st.stop()
    st.markdown(f"**{texts.escaped(watched['name'])}**  \n{texts.assumption(watched['experiment'], known)}")
    run_alone(watched, key="watch")
    st.stop()
if race := setup.watched_race():
    st.markdown(f"**{texts.escaped(race['title'])}**")
    race_alone(race, key="watch-race")
    st.stop()
setup.restore()

experiment = setup.current()
images = experiment["images"]
shown = usable(setup.shown())
another = shown if shown is not None and shown["experiment"] != experiment else None
if not teaching.teaching().embed:
    with st.sidebar:
        parent_card(experiment)
        if not (teaching.hidden("presets") and teaching.hidden("race")):
            st.subheader("Start from")
        presets()
        race_menu(experiment)
        beside(another or failed_before(setup.shown()), experiment)

    if in_room():
        room_button()

teaching_form()
reasons = find_problems(experiment) or list(filter(None, [demand.lack(experiment, known)]))
pipeline()
lanes, complaints = racing(experiment)
if lanes:
    live_race(lanes, [*setup.complaints(), *complaints])
    setup.write()
    st.stop()
cause = diagnose(shown, known) if shown and not another else None
live_view(
    experiment=experiment,
    run=None if another else setup.shown(),
    recording="first" if st.session_state["welcome"] else None,
    refused="\n".join(reasons) or None,
    fixes=fixes(experiment) if reasons else {},
    complaint="\n".join([*setup.complaints(), *complaints]),
    length="" if reasons or st.session_state["welcome"] else foresee(experiment),
    foreword="" if reasons else foreword(experiment),
    classes=class_names(images),
    unnamed=unnamed(experiment),
    preview=pictures.preview(images, experiment["size"], experiment["channels"]),
    remark="" if cause else texts.altered(experiment, known),
    **shorten(cause, setup.shown()),
    told=labels_revealed(experiment),
    start=None if reasons else start_of(experiment),
    key="live",
    on_fork=fork,
    on_run_change=lambda: setup.show(st.session_state["live"]["run"]),
)
if cause is not None:
    diagnosis(cause, shown)
setup.write()
