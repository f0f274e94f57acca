/** Machines in groups. */

/** Machines by agent, in a stable natural order (`cpu2` before `cpu10`). */
export function byAgent(machines) {
  const agents = new Map();
  const ordered = [...machines].sort((a, b) => a.report.id.localeCompare(b.report.id, "en", { numeric: true }));
  for (const machine of ordered) {
    const group = agents.get(machine.agent) ?? { agent: machine.agent, box: machine.box, machines: [] };
    group.machines.push(machine);
    agents.set(machine.agent, group);
  }
  return [...agents.values()];
}
