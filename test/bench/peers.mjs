// Here, so that Node looks for the peers in this folder's node_modules and the product has none.
export const load = (name) => import(name);
