export function Worklist() {
  return <h1>Worklist</h1>;
}
