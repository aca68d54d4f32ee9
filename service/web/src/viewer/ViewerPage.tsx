export default function ViewerPage({ name }: { name: string }) {
  return <h1>ViewerPage {name}</h1>;
}
