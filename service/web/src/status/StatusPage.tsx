export default function StatusPage({ name }: { name: string }) {
  return <h1>StatusPage {name}</h1>;
}
