# Finished files that are made again: what is damaged, what was made of something else, and why.
from jaxmorph.jobs import AFRESH
from jaxmorph.upkeep import Made, SnakemakeRecords, damaged_files, files_of, in_words, told


def folders():
    """The folders of all runs, by name, and of all comparisons."""
    names = [*RUNS, *(f"compare-{name}" for name in COMPARISONS)]
    return {name: Path(located(f"results/{name}")) for name in names}


@cache
def damaged():
    """What is wrong with finished files, by their paths; in a copy of a folder, with the times they had."""
    records, found = SnakemakeRecords(), {}
    if not only_looks():
        records.begin()
    if not records.is_there:
        return found
    records.settle(outputs_of_all)
    for name, folder in folders().items():
        run = SPECIFICATIONS[name].run if name in SPECIFICATIONS else None
        found |= damaged_files(folder, run and run.batches)
    return found


def outputs_of_all():
    """All finished files."""
    for folder in folders().values():
        yield from files_of(folder)
        for below in ("figures", "animations"):
            yield from sorted((folder / below).glob("*"))


def mark_what_is_damaged():
    """Have Snakemake make damaged files again, and say so."""
    for path in damaged():
        SnakemakeRecords().mark(path)
    for line in in_words(damaged()):
        warn_once(f"{line}; made again when it is needed")


def run_of(file):
    """The name of the run or comparison that a file belongs to, and its path there."""
    names = names_of_folders()
    for folder in Path(file).parents:
        if folder in names:
            return names[folder], Path(file).relative_to(folder)
    return None, None


@cache
def names_of_folders():
    """The runs and comparisons by their folders."""
    return {folder: name for name, folder in folders().items()}


def differs(file):
    """What a finished file was made of that is not what is asked for, or what damaged it; in words."""
    if what := damaged().get(Path(file)):
        return f"damaged ({what})"
    name, path = run_of(file)
    if name not in SPECIFICATIONS or path.suffix not in (".nc", ".json"):
        return None
    from jaxmorph import store

    specs = SPECIFICATIONS[name]
    try:
        if path.suffix == ".json":
            records = {"study.json": "study", "objective.json": "objective"}
            made_of = getattr(specs, records[path.name]).identity
            return made_of.other_than(store.read_json(file).get(store.MADE_OF))
        if path.parent.name == "batches":
            made_of = specs.batch(path.stem).identity
        elif path.parent.name == "optimisation":
            made_of = specs.starts(path.stem.removeprefix("starts-")).identity
        else:
            made_of = specs.identities[path.stem]
        return made_of.refusal(store.read_attributes(file))
    except (JaxmorphError, KeyError):
        return None


def made_again():
    """Lines on what this command makes again of what is finished, and why."""
    found, known = {}, {}
    for job in workflow.dag.needrun_jobs(exclude_finished=False):
        file = next((str(file) for file in job.output if Path(file).exists()), None)
        name = file and run_of(file)[0]
        if name is None:
            continue

        def why(path, of_kind=(name, job.rule.name)):
            """What differs is looked up once for jobs of a kind, as to read each file would take long."""
            if Path(path) in damaged():
                return differs(path)
            if of_kind not in known:
                known[of_kind] = differs(path)
            return known[of_kind]

        found.setdefault(name, []).append(Made.of(job, workflow.dag.reason(job), file, why))
    return [line for name, made in found.items() for line in told(name, made)]


def make_afresh():
    """Have jobs compute again what this command forces, though a file is whole and of the same question."""
    if asked_for("force", "forceall", "forcerun"):
        os.environ[AFRESH] = "1"
