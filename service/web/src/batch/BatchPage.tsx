export default function BatchPage({ name }: { name: string }) {
  return <h1>BatchPage {name}</h1>;
}
