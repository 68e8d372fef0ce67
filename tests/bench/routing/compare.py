#!/usr/bin/env python3
"""Solves the published days beside other solvers, and prints the table of tests/bench/README.md.

usage: tests/bench/routing/compare.py [--seconds 10] [--rounds 100000] [--program target/release/mukkeum]

Installs PyVRP, OR-tools and, where its wheel is available, VROOM into target/compare (a virtual environment). None of them is
a dependency of the program. Every answer is judged here by every rule; a solver that does not know a rule (soft overtime) gets
the hard limit instead, which its cost shows.
"""
import argparse
import json
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ENVIRONMENT = ROOT / "target" / "compare"
# Each with the version that this script was run with: their interfaces change.
SOLVERS = {"pyvrp": ("PyVRP", "0.14.1"), "ortools": ("OR-tools", "9.15.6755"), "pyvroom": ("VROOM", "1.15.2")}
UNSERVED_COST, OVERTIME_COST = 36_000, 2


def judge(day, routes):
    """Cost, stops left out; raises AssertionError that names the broken rule."""
    matrix, stops = day["matrix"], day["stops"]
    seen, cost = set(), 0
    for route, truck in zip(routes, day["trucks"], strict=True):
        now, at, driving, load = truck["start"], 0, 0, [0, 0]
        for index in route:
            stop = stops[index]
            assert index not in seen, f"stop {stop['id']} twice"
            seen.add(index)
            assert is_allowed(stop, truck), f"stop {stop['id']}: crew, truck or day"
            leg = matrix[at][index + 1]
            driving, now, at = driving + leg, now + leg, index + 1
            if stop["window"]:
                assert now <= stop["window"][1], f"stop {stop['id']}: late"
                now = max(now, stop["window"][0])
            now += stop["service"]
            load = [load[0] + stop["load"][0], load[1] + stop["load"][1]]
        back = matrix[at][0]
        driving, now = driving + back, now + back
        assert load[0] <= truck["cap"][0] and load[1] <= truck["cap"][1], f"truck {truck['id']}: load"
        late = max(0, now - truck["start"] - truck["shift"]) if route else 0
        assert late <= truck["overtime"], f"truck {truck['id']}: overtime"
        cost += driving + OVERTIME_COST * late
    left = len(stops) - len(seen)
    return cost + UNSERVED_COST * left, left


def is_allowed(stop, truck):
    days = stop.get("days")
    return (stop["crew"] <= truck["crew"] and stop.get("truck") in (None, truck["id"])
            and (days is None or truck.get("day", 0) in days))


def end(truck):
    return truck["start"] + truck["shift"] + truck["overtime"]


def own(day, arguments):
    """The program, by its command."""
    file = ENVIRONMENT / f"{day['name']}.json"
    file.write_text(json.dumps(day))
    command = [arguments.program, "route", "solve", str(file), "--rounds", str(arguments.rounds), "--json"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    index = {stop["id"]: at for at, stop in enumerate(day["stops"])}
    return [[index[stop] for stop in route] for route in answer["routes"]]


def pyvrp(day, arguments):
    """PyVRP: a truck is a vehicle type, what it may not serve is an edge that costs too much."""
    from pyvrp import Model
    from pyvrp.stop import MaxRuntime

    model, stops, matrix = Model(), day["stops"], day["matrix"]
    places = [model.add_location(0, 0) for _ in range(len(stops) + 1)]
    depot = model.add_depot(places[0])
    for place, stop in zip(places[1:], stops, strict=True):
        model.add_client(
            place, delivery=stop["load"], service_duration=stop["service"], prize=UNSERVED_COST, required=False,
            **({"tw_early": stop["window"][0], "tw_late": stop["window"][1]} if stop["window"] else {}))
    profiles = {}
    for truck in day["trucks"]:
        allowed = tuple(is_allowed(stop, truck) for stop in stops)
        if allowed not in profiles:
            profile = model.add_profile()
            may = [True, *allowed]
            for one, start in enumerate(places):
                for other, goal in enumerate(places):
                    if one != other:
                        blocked = 0 if may[one] and may[other] else 10_000_000
                        seconds = matrix[one][other]
                        model.add_edge(start, goal, distance=seconds + blocked, duration=seconds, profile=profile)
            profiles[allowed] = profile
        model.add_vehicle_type(
            1, capacity=truck["cap"], start_depot=depot, end_depot=depot, tw_early=truck["start"], tw_late=end(truck),
            shift_duration=truck["shift"], max_overtime=truck["overtime"], unit_overtime_cost=OVERTIME_COST,
            profile=profiles[allowed])
    best = model.solve(stop=MaxRuntime(arguments.seconds), display=False, seed=1).best
    routes = [[] for _ in day["trucks"]]
    for route in best.routes():
        routes[route.vehicle_type()] = [visit.idx for visit in route.schedule() if visit.is_client()]
    return routes


def ortools(day, arguments):
    """OR-tools: disjunctions for stops left out, a soft upper bound for overtime, guided local search."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    stops, trucks, matrix = day["stops"], day["trucks"], day["matrix"]
    manager = pywrapcp.RoutingIndexManager(len(stops) + 1, len(trucks), 0)
    routing = pywrapcp.RoutingModel(manager)
    node = manager.IndexToNode
    service = [0] + [stop["service"] for stop in stops]
    drive = routing.RegisterTransitCallback(lambda one, other: matrix[node(one)][node(other)])
    routing.SetArcCostEvaluatorOfAllVehicles(drive)
    busy = routing.RegisterTransitCallback(lambda one, other: service[node(one)] + matrix[node(one)][node(other)])
    horizon = max(end(truck) for truck in trucks)
    routing.AddDimension(busy, horizon, horizon, False, "time")
    dimension = routing.GetDimensionOrDie("time")
    for at, stop in enumerate(stops):
        index = manager.NodeToIndex(at + 1)
        if stop["window"]:
            dimension.CumulVar(index).SetRange(*stop["window"])
        routing.AddDisjunction([index], UNSERVED_COST)
        may = [number for number, truck in enumerate(trucks) if is_allowed(stop, truck)]
        routing.VehicleVar(index).SetValues([-1, *may])
    for number, truck in enumerate(trucks):
        dimension.CumulVar(routing.Start(number)).SetRange(truck["start"], truck["start"])
        dimension.CumulVar(routing.End(number)).SetMax(end(truck))
        dimension.SetCumulVarSoftUpperBound(routing.End(number), truck["start"] + truck["shift"], OVERTIME_COST)
    for part in (0, 1):
        load = routing.RegisterUnaryTransitCallback(lambda one, part=part: ([0] + [s["load"][part] for s in stops])[node(one)])
        routing.AddDimensionWithVehicleCapacity(load, 0, [truck["cap"][part] for truck in trucks], True, f"load{part}")
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromSeconds(arguments.seconds)
    solution = routing.SolveWithParameters(parameters)
    routes = []
    for number in range(len(trucks)):
        route, index = [], solution.Value(routing.NextVar(routing.Start(number)))
        while not routing.IsEnd(index):
            route.append(node(index) - 1)
            index = solution.Value(routing.NextVar(index))
        routes.append(route)
    return routes


def pyvroom(day, arguments):
    """VROOM: skills for crew, truck and day; it knows no overtime, and gets the hard limit."""
    import numpy
    import vroom

    problem = vroom.Input()
    problem.set_durations_matrix("car", numpy.array(day["matrix"], dtype=numpy.uint32))
    for number, truck in enumerate(day["trucks"]):
        skills = {at + 1 for at, stop in enumerate(day["stops"]) if is_allowed(stop, truck)}
        problem.add_vehicle(vroom.Vehicle(number, start=0, end=0, capacity=truck["cap"], skills=skills,
                                          time_window=(truck["start"], end(truck))))
    for at, stop in enumerate(day["stops"]):
        windows = {"time_windows": [vroom.TimeWindow(*stop["window"])]} if stop["window"] else {}
        problem.add_job(vroom.Job(at, location=at + 1, default_service=stop["service"], delivery=stop["load"], skills={at + 1}, **windows))
    table = problem.solve(exploration_level=5, nb_threads=1).routes
    routes = [[] for _ in day["trucks"]]
    for _, row in table[table["type"] == "job"].iterrows():
        routes[int(row["vehicle_id"])].append(int(row["id"]))
    return routes


def install():
    """A virtual environment with the solvers that have a wheel here; the program of its Python."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    for package, (name, version) in SOLVERS.items():
        command = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", f"{package}=={version}"]
        if subprocess.run(command, check=False).returncode != 0:
            print(f"{name} is not available here", file=sys.stderr)
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=100_000)
    parser.add_argument("--program", default=str(ROOT / "target" / "release" / "mukkeum"))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        python = install()
        sys.exit(subprocess.run([str(python), __file__, *sys.argv[1:], "--inside"], check=False).returncode)
    best = json.loads((HERE / "days" / "best.json").read_text())
    solvers = [("this program", own)]
    for module, (name, _) in SOLVERS.items():
        try:
            __import__("vroom" if module == "pyvroom" else module)
            solvers.append((name, globals()[module]))
        except ImportError:
            continue
    print("| day | solver | cost | gap to the best known | left out | seconds |\n| --- | --- | --: | --: | --: | --: |")
    for file in sorted((HERE / "days").glob("*.json")):
        if file.name == "best.json":
            continue
        day = json.loads(file.read_text())
        for name, solve in solvers:
            begin = time.process_time() if solve is not own else time.monotonic()
            try:
                routes = solve(day, arguments)
                spent = (time.process_time() if solve is not own else time.monotonic()) - begin
                cost, left = judge(day, routes)
                gap = 100 * (cost / best[file.stem][0] - 1)
                print(f"| {file.stem} | {name} | {cost} | {gap:+.1f} % | {left} | {spent:.1f} |", flush=True)
            except AssertionError as broken:
                print(f"| {file.stem} | {name} | breaks a rule: {broken} | | | |", flush=True)


if __name__ == "__main__":
    main()
