// Decides which shape the members of a group have: the group's own goes before the fleet's.

import type { FleetSpec, Group } from "./spec.ts";

export const isFlexible = (shape: string): boolean => shape.endsWith(".Flex");

export type ShapeChoice = Pick<FleetSpec, "shape" | "shapeConfig">;

/** A group that names a shape of fixed size leaves the fleet's `shapeConfig` behind. */
export const shapeOf = (
  spec: ShapeChoice,
  group: Pick<Group, "shape" | "shapeConfig">,
): ShapeChoice => {
  const shape = group.shape ?? spec.shape;
  const inherited = isFlexible(shape) || group.shape === undefined ? spec.shapeConfig : undefined;
  const shapeConfig = group.shapeConfig ?? inherited;
  return { shape, ...(shapeConfig === undefined ? {} : { shapeConfig }) };
};
